// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! Memory without a size has no address.

use dma_map::{
    DmaCoherent,
    DmaDevice,
    Gfp, //
};
use kernel::prelude::*;

// pass: pub type Slot = [u32; 1];
pub type Slot = [u32; 0];

pub fn alloc(dma: DmaDevice<'_>) -> Result<DmaCoherent<'_, Slot>> {
    DmaCoherent::zeroed(dma, Gfp::Kernel)
}
