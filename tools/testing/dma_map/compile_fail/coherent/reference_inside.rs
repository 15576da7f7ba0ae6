// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! An address that the device wrote is not a reference.

use dma_map::{
    DmaCoherent,
    DmaDevice,
    Gfp, //
};
use kernel::prelude::*;

// pass: pub type Next = u64;
pub type Next = Option<&'static u64>;

pub fn alloc(dma: DmaDevice<'_>) -> Result<DmaCoherent<'_, [Next]>> {
    DmaCoherent::zeroed_slice(dma, 4, Gfp::Kernel)
}
