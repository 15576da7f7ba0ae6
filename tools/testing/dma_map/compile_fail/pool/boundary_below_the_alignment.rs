// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! What the alignment adds to a block counts too.

use dma_map::{
    DmaDevice,
    DmaPool, //
};
use kernel::prelude::*;

pub type Slot = [u64; 3];

pub fn make(dma: DmaDevice<'_>) -> Result<DmaPool<'_, Slot>> {
    // pass: DmaPool::with::<64, 64>(dma, c"pool")
    DmaPool::with::<64, 32>(dma, c"pool")
}
