// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! There is no block without size.

use dma_map::{
    DmaDevice,
    DmaPool, //
};
use kernel::prelude::*;

// pass: pub type Slot = [u64; 1];
pub type Slot = [u64; 0];

pub fn make(dma: DmaDevice<'_>) -> Result<DmaPool<'_, Slot>> {
    DmaPool::new(dma, c"pool")
}
