// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! A buffer is used again and again, and not all bits that are left in it are a `bool`.

use dma_map::{
    DmaDevice,
    MappedPool,
    MappedPoolOptions,
    ToDevice, //
};
use kernel::prelude::*;

// pass: pub type Element = u8;
pub type Element = bool;

pub fn make(dma: DmaDevice<'_>) -> Result<MappedPool<'_, Element, ToDevice>> {
    MappedPool::new(dma, c"pool", 64, ToDevice, MappedPoolOptions::new(8))
}
