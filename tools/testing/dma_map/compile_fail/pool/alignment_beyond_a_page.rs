// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! The DMA API aligns to pages, so that no larger alignment can be promised.

use dma_map::{
    DmaDevice,
    DmaPool, //
};
use kernel::prelude::*;

pub type Slot = [u64; 3];

pub fn make(dma: DmaDevice<'_>) -> Result<DmaPool<'_, Slot>> {
    // pass: DmaPool::with::<4096, 0>(dma, c"pool")
    DmaPool::with::<8192, 0>(dma, c"pool")
}
