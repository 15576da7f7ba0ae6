// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! A type without size has no place in memory.

use dma_map::{
    DmaDevice,
    MappedPool,
    MappedPoolOptions,
    ToDevice, //
};
use kernel::prelude::*;

// pass: pub type Element = [u8; 1];
pub type Element = ();

pub fn make(dma: DmaDevice<'_>) -> Result<MappedPool<'_, Element, ToDevice>> {
    MappedPool::new(dma, c"pool", 64, ToDevice, MappedPoolOptions::new(8))
}
