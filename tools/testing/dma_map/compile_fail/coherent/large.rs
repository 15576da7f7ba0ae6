// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! 128 KiB and more is not something that every kernel can serve: it has a constructor of its own.

use dma_map::{
    DmaCoherent,
    DmaDevice,
    Gfp, //
};
use kernel::prelude::*;

pub type Ring = [u8; 128 * 1024];

pub fn alloc(dma: DmaDevice<'_>) -> Result<DmaCoherent<'_, Ring>> {
    // pass: DmaCoherent::zeroed_large(dma, Gfp::Kernel)
    DmaCoherent::zeroed(dma, Gfp::Kernel)
}
