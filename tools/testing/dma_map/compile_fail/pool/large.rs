// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! 128 KiB and more is not something that every kernel can serve.

use dma_map::{
    DmaDevice,
    DmaPool, //
};
use kernel::prelude::*;

// pass: pub type Slot = [u8; 128 * 1024 - 1];
pub type Slot = [u8; 128 * 1024];

pub fn make(dma: DmaDevice<'_>) -> Result<DmaPool<'_, Slot>> {
    DmaPool::try_with(dma, c"pool", 1, 0)
}
