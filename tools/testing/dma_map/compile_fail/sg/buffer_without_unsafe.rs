// SPDX-License-Identifier: GPL-2.0
// error: E0200

//! What a buffer promises about its memory is an `unsafe` statement.

use dma_map::sg::{
    Chunk,
    SgBuffer, //
};
use kernel::prelude::*;

pub struct Nothing;

// SAFETY: It owns no memory.
// pass: unsafe impl SgBuffer for Nothing {
impl SgBuffer for Nothing {
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
