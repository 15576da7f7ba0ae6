// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! The elements of a buffer stay in the pool: nobody would drop them.

use dma_map::{
    DmaDevice,
    MappedPool,
    MappedPoolOptions,
    ToDevice, //
};
use kernel::prelude::*;

#[derive(FromBytes, IntoBytes)]
#[repr(transparent)]
pub struct WithDrop(u32);

impl Drop for WithDrop {
    fn drop(&mut self) {}
}

// pass: pub type Element = u32;
pub type Element = WithDrop;

pub fn make(dma: DmaDevice<'_>) -> Result<MappedPool<'_, Element, ToDevice>> {
    MappedPool::new(dma, c"pool", 64, ToDevice, MappedPoolOptions::new(8))
}
