// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: padding-leaked

//! Padding would show the device what was in memory before.

use dma_map::{
    engine::AlwaysStops,
    mapping::with_mapped,
    DmaDevice,
    MapOptions,
    ToDevice, //
};
use kernel::prelude::*;

#[repr(C)]
pub struct Padded {
    pub small: u8,
    pub large: u32,
}

// pass: pub fn send<E: AlwaysStops>(dma: DmaDevice<'_>, data: &mut [u32], engine: E) -> Result {
pub fn send<E: AlwaysStops>(dma: DmaDevice<'_>, data: &mut [Padded], engine: E) -> Result {
    with_mapped(dma, data, ToDevice, engine, MapOptions::new(), |_| Ok(()))
}
