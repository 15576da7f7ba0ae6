// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: map-vmalloc

//! vmalloc memory is scattered: it is not mapped as one piece.

use dma_map::{
    DmaDevice,
    DmaMapping,
    Engine,
    MapOptions,
    ToDevice, //
};
use kernel::prelude::*;

pub fn map<E: Engine>(dma: DmaDevice<'_>, engine: E) -> Result {
    // pass: let buffer = KVec::<u8>::new();
    let buffer = VVec::<u8>::new();
    let _mapping = DmaMapping::map(dma, buffer, ToDevice, engine, MapOptions::new())?;
    Ok(())
}
