// SPDX-License-Identifier: GPL-2.0
// error: E0200

//! That the memory stays while the CPU writes to it is an `unsafe` statement.

use dma_map::sg::{
    Chunk,
    SgBuffer,
    SgSlice, //
};
use kernel::prelude::*;

pub struct Nothing;

// SAFETY: It owns no memory.
unsafe impl SgBuffer for Nothing {
    type Element = u8;
    const DROP_MAY_SLEEP: bool = false;

    fn len(&self) -> usize {
        0
    }

    fn try_for_each_chunk(&self, _: impl FnMut(Chunk) -> Result) -> Result {
        Ok(())
    }

    fn owns_cache_lines(&self, _: usize) -> bool {
        true
    }
}

// SAFETY: There is nothing to replace.
// pass: unsafe impl SgSlice for Nothing {
impl SgSlice for Nothing {
    fn as_slice(&self) -> &[u8] {
        &[]
    }

    fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut []
    }
}
