// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! A destructor would read what the device wrote, before that is there for the CPU.

use dma_map::{
    DmaDevice,
    DmaPages,
    FromDevice,
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

pub fn alloc(dma: DmaDevice<'_>) -> Result {
    let _memory = DmaPages::<Element, _>::alloc(dma, 64, FromDevice, Gfp::Kernel)?;
    Ok(())
}
