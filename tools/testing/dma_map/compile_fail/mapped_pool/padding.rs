// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: padding-leaked

//! Elements with padding would show the device what was in memory before.

use dma_map::{
    DmaDevice,
    MappedPool,
    MappedPoolOptions,
    ToDevice, //
};
use kernel::prelude::*;

#[repr(C)]
#[derive(FromBytes)]
pub struct Padded {
    _byte: u8,
    _word: u32,
}

// pass: pub type Element = u32;
pub type Element = Padded;

pub fn make(dma: DmaDevice<'_>) -> Result<MappedPool<'_, Element, ToDevice>> {
    MappedPool::new(dma, c"pool", 64, ToDevice, MappedPoolOptions::new(8))
}
