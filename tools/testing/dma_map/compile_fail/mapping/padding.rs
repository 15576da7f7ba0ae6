// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: padding-leaked

//! Padding would show the device what was in memory before.

use dma_map::{
    DmaDevice,
    DmaMapping,
    Engine,
    MapOptions,
    ToDevice, //
};
use kernel::prelude::*;

#[derive(Clone, Copy)]
#[repr(C)]
pub struct Padded {
    pub small: u8,
    pub large: u32,
}

pub const PADDED: Padded = Padded { small: 1, large: 2 };

pub fn map<E: Engine>(dma: DmaDevice<'_>, engine: E) -> Result {
    // pass: let buffer = KBox::new(PADDED.large, GFP_KERNEL)?;
    let buffer = KBox::new(PADDED, GFP_KERNEL)?;
    let _mapping = DmaMapping::map(dma, buffer, ToDevice, engine, MapOptions::new())?;
    Ok(())
}
