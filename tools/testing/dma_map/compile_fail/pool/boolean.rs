// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! The device may write any bits, and not all are a `bool`.

use dma_map::{
    DmaDevice,
    DmaPool, //
};
use kernel::prelude::*;

// pass: pub type Slot = u8;
pub type Slot = bool;

pub fn make(dma: DmaDevice<'_>) -> Result<DmaPool<'_, Slot>> {
    DmaPool::new(dma, c"pool")
}
