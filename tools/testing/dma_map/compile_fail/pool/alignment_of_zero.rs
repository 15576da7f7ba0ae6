// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! Each block is aligned to something.

use dma_map::{
    DmaDevice,
    DmaPool, //
};
use kernel::prelude::*;

pub type Slot = [u64; 3];

pub fn make(dma: DmaDevice<'_>) -> Result<DmaPool<'_, Slot>> {
    // pass: DmaPool::with::<1, 0>(dma, c"pool")
    DmaPool::with::<0, 0>(dma, c"pool")
}
