// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/MmioMapping

//! A mapping of I/O memory ends before the device is unbound.

use dma_map::{
    mapping::{
        MmioMapping,
        MmioWindow, //
    },
    DmaDevice,
    Engine,
    ToDevice, //
};
use kernel::prelude::*;

pub fn map<'bound, E: Engine>(
    dma: DmaDevice<'bound>,
    window: MmioWindow<'bound>,
    engine: E,
    // pass: ) -> Result<MmioMapping<'bound, ToDevice, E>> {
) -> Result<MmioMapping<'static, ToDevice, E>> {
    MmioMapping::map(dma, window, ToDevice, engine)
}
