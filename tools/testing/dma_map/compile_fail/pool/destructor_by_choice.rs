// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! What is in a block is never dropped, whatever its alignment.

use dma_map::{
    DmaDevice,
    DmaPool, //
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

pub fn make(dma: DmaDevice<'_>, align: usize) -> Result<DmaPool<'_, Element>> {
    DmaPool::try_with(dma, c"pool", align, 0)
}
