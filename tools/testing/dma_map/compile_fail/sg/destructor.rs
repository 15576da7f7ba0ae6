// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! A destructor would read what the device wrote, before that is there for the CPU.

use dma_map::{
    DmaDevice,
    Engine,
    FromDevice,
    Gfp,
    SgMapping, //
};
use kernel::prelude::*;

#[derive(FromBytes, IntoBytes)]
#[repr(transparent)]
pub struct WithDrop(u32);

impl Drop for WithDrop {
    fn drop(&mut self) {}
}

/// A device that is never told of anything.
#[derive(Clone, Copy)]
pub struct Idle;

// SAFETY: It accesses nothing.
unsafe impl Engine for Idle {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        true
    }

    fn quiesce(&self) -> Result {
        Ok(())
    }
}

// pass: pub type Element = u32;
pub type Element = WithDrop;

pub fn map(dma: DmaDevice<'_>, buffer: VVec<Element>) -> Result {
    let _mapping = SgMapping::map(dma, buffer, FromDevice, Idle, Gfp::Kernel)?;
    Ok(())
}
