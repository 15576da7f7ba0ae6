// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! The limit is 128 KiB exactly.

use dma_map::{
    DmaCoherent,
    DmaDevice,
    Gfp, //
};
use kernel::prelude::*;

// pass: pub type Ring = [u8; 128 * 1024 - 1];
pub type Ring = [u8; 128 * 1024];

pub fn alloc(dma: DmaDevice<'_>) -> Result<DmaCoherent<'_, Ring>> {
    DmaCoherent::zeroed(dma, Gfp::Kernel)
}
