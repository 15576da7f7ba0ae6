// SPDX-License-Identifier: GPL-2.0

//! Walks over a buffer's memory: the only outside callers of its `try_for_each_*()` methods.
//!
//! A buffer may consist of others, each of which may be empty: a vector without elements, an empty
//! range, an empty list. An empty buffer yields nothing, or an empty chunk with any address. The walks
//! skip empty chunks, so the functions that they call need not check for them.

use super::buffer::SgBuffer;
use crate::sys::chunk::Chunk;
use kernel::{
    bindings,
    prelude::*, //
};

/// Calls `f` with the page, the offset in it, and the length of each chunk of a buffer made of pages, in
/// order, until `f` fails.
///
/// If the length is a constant page size, the compiler removes the test for 0.
#[inline(always)]
pub(crate) fn for_each_page<B: SgBuffer>(
    buffer: &B,
    mut f: impl FnMut(*mut bindings::page, usize, usize) -> Result,
) -> Result {
    buffer.try_for_each_page(|page, offset, len| match len {
        0 => Ok(()),
        _ => f(page, offset, len),
    })
}

/// Calls `f` with each chunk, in order, until `f` fails.
#[inline(always)]
pub(crate) fn for_each_chunk<B: SgBuffer>(
    buffer: &B,
    mut f: impl FnMut(Chunk) -> Result,
) -> Result {
    buffer.try_for_each_chunk(|chunk| match chunk.len {
        0 => Ok(()),
        _ => f(chunk),
    })
}

/// Calls `f` with the physically contiguous runs of `buffer`: adjacent chunks are joined, if `joins`
/// allows it for their lengths.
#[inline]
pub(crate) fn for_each_run<B: SgBuffer>(
    buffer: &B,
    joins: impl Fn(u64, u64) -> bool,
    mut f: impl FnMut(Chunk) -> Result,
) -> Result {
    let mut run = Chunk { phys: 0, len: 0 };

    for_each_chunk(buffer, |chunk| {
        if run.end() == chunk.phys && joins(run.len, chunk.len) {
            run.len = run.len.wrapping_add(chunk.len);
            return Ok(());
        }
        // There is no run before the first chunk.
        if run.len != 0 {
            f(run)?;
        }
        run = chunk;
        Ok(())
    })?;

    match run.len {
        0 => Ok(()),
        _ => f(run),
    }
}
