// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! Boundaries are powers of two.

use dma_map::{
    DmaDevice,
    DmaPool, //
};
use kernel::prelude::*;

pub type Slot = [u64; 3];

pub fn make(dma: DmaDevice<'_>) -> Result<DmaPool<'_, Slot>> {
    // pass: DmaPool::with::<1, 64>(dma, c"pool")
    DmaPool::with::<1, 48>(dma, c"pool")
}
