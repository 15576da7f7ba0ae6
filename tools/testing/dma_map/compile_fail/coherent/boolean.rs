// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! The device may write any bits, and not all are a `bool`.

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
    // pass: pub valid: [u8; 4],
    pub valid: [bool; 4],
}

pub fn alloc(dma: DmaDevice<'_>) -> Result<DmaCoherent<'_, Slot>> {
    DmaCoherent::zeroed(dma, Gfp::Kernel)
}
