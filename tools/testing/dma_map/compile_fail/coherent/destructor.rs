// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! What is in shared memory is never dropped.

use dma_map::{
    DmaCoherent,
    DmaDevice,
    Gfp, //
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

pub fn alloc(dma: DmaDevice<'_>) -> Result<DmaCoherent<'_, Element>> {
    DmaCoherent::zeroed(dma, Gfp::Kernel)
}
