// SPDX-License-Identifier: GPL-2.0

//! Walks over the memory of a buffer: the only callers of the methods that go through it.
//!
//! A buffer is made of others, each of which may be empty: a vector without elements, a range of no
//! bytes, a list of nothing. What an empty one yields is its own affair: nothing, or a chunk of no
//! bytes, which may be anywhere. It ends here. Who is called from here gets bytes, each time, and need
//! not ask.

use super::buffer::SgBuffer;
use crate::sys::chunk::Chunk;
use kernel::{
    bindings,
    prelude::*, //
};

/// Calls `f` with the page, the offset in it, and the length of every chunk of a buffer that goes by
/// pages, in order, until it fails.
///
/// Where the length is that of a page, the compiler knows that it is not 0.
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

/// Calls `f` with every chunk, in order, until it fails.
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

/// Joins whatever can be joined, for [`for_each_run`].
#[inline(always)]
pub(crate) fn always(_first: u64, _second: u64) -> bool {
    true
}

/// Calls `f` with the physically contiguous parts of `buffer`: neighbouring chunks joined, where `joins`
/// of their lengths allows.
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
        // Before the first chunk there is none.
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
