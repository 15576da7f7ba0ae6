// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: padding-leaked

//! Padding would show the device what was in memory before.

use dma_map::{
    DmaCoherent,
    DmaDevice,
    Gfp, //
};
use kernel::prelude::*;

#[derive(FromBytes, IntoBytes)]
#[repr(C)]
pub struct Slot {
    pub len: u32,
    // pass: pub kind: u32,
    pub kind: u8,
}

pub fn alloc(dma: DmaDevice<'_>) -> Result<DmaCoherent<'_, Slot>> {
    DmaCoherent::zeroed(dma, Gfp::Kernel)
}
