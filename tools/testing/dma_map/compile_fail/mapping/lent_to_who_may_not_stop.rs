// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! Borrowed memory goes back in any case, so the device must stop in any case.

use dma_map::{
    engine::AlwaysStops,
    mapping::with_mapped,
    DmaDevice,
    Engine,
    FromDevice,
    MapOptions, //
};
use kernel::prelude::*;

pub trait Both: AlwaysStops + Engine {}

// pass: pub fn read<E: AlwaysStops>(dma: DmaDevice<'_>, data: &mut [u8], engine: E) -> Result {
pub fn read<E: Engine>(dma: DmaDevice<'_>, data: &mut [u8], engine: E) -> Result {
    with_mapped(dma, data, FromDevice, engine, MapOptions::new(), |_| Ok(()))
}
