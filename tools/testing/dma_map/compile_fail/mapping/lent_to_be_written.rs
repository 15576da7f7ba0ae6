// SPDX-License-Identifier: GPL-2.0
// error: E0308

//! A device does not write to what the CPU may read meanwhile.

use dma_map::{
    engine::AlwaysStops,
    mapping::with_mapped,
    DmaDevice,
    FromDevice,
    MapOptions,
    ToDevice, //
};
use kernel::prelude::*;

pub type Both = (FromDevice, ToDevice);

pub fn read<E: AlwaysStops>(dma: DmaDevice<'_>, data: &[u8], engine: E) -> Result {
    let options = MapOptions::new();
    // pass: with_mapped(dma, data, ToDevice, engine, options, |_| Ok(()))
    with_mapped(dma, data, FromDevice, engine, options, |_| Ok(()))
}
