// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: racing-cpu-access

//! A shared cell could be written while the device reads it.

use dma_map::{
    engine::AlwaysStops,
    mapping::with_mapped,
    DmaDevice,
    MapOptions,
    ToDevice, //
};
use kernel::prelude::*;

// pass: pub type Byte = u8;
pub type Byte = core::cell::Cell<u8>;

pub fn send<E: AlwaysStops>(dma: DmaDevice<'_>, data: &[Byte], engine: E) -> Result {
    with_mapped(dma, data, ToDevice, engine, MapOptions::new(), |_| Ok(()))
}
