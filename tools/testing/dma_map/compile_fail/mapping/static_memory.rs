// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: map-kernel-image

//! A static does not belong to a mapping.

use dma_map::{
    DmaDevice,
    DmaMapping,
    Engine,
    MapOptions,
    ToDevice, //
};
use kernel::prelude::*;

pub static TABLE: [u8; 64] = [1; 64];

pub fn map<E: Engine>(dma: DmaDevice<'_>, engine: E) -> Result {
    // pass: let buffer = KBox::new(TABLE, GFP_KERNEL)?;
    let buffer = &TABLE;
    let _mapping = DmaMapping::map(dma, buffer, ToDevice, engine, MapOptions::new())?;
    Ok(())
}
