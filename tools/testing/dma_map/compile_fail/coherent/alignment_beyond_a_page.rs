// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! The DMA API aligns to pages, so that no larger alignment can be promised.

use dma_map::{
    DmaCoherent,
    DmaDevice,
    Gfp, //
};
use kernel::prelude::*;

#[derive(FromBytes, IntoBytes)]
// pass: #[repr(C, align(4096))]
#[repr(C, align(8192))]
pub struct Table([u8; 8192]);

pub fn alloc(dma: DmaDevice<'_>) -> Result<DmaCoherent<'_, Table>> {
    DmaCoherent::zeroed(dma, Gfp::Kernel)
}
