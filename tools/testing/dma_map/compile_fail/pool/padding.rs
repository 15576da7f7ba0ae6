// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: padding-leaked

//! Padding would show the device what was in memory before.

use dma_map::{
    DmaDevice,
    DmaPool, //
};
use kernel::prelude::*;

#[derive(FromBytes, IntoBytes)]
#[repr(C)]
pub struct Slot {
    pub len: u32,
    // pass: pub kind: u32,
    pub kind: u8,
}

pub fn make(dma: DmaDevice<'_>) -> Result<DmaPool<'_, Slot>> {
    DmaPool::new(dma, c"pool")
}
