// SPDX-License-Identifier: GPL-2.0

//! Buffer ranges: a part of a buffer to be mapped.

use super::{
    buffer::SgBuffer,
    walk, //
};
use crate::{
    device::lines::Lines,
    error::MapError,
    sys::chunk::Chunk, //
};
use core::ops::Range;
use kernel::prelude::*;

/// A range of a buffer: only this part is mapped. The rest is not accessed meanwhile.
///
/// # Invariants
///
/// `start + len` is at most the buffer's length.
///
/// # Examples
///
/// ```ignore,run
/// # let len = 60;
/// # let buffer = KVec::from_elem(0u8, 2048, GFP_KERNEL)?;
/// // A frame behind 2 bytes that align the header's fields for the CPU.
/// let frame = BufferRange::new(buffer, 2..2 + len)?;
/// let mapping = SgMapping::map(dma, frame, ToDevice, engine, Gfp::Kernel)?;
/// # check(mapping.size() == len)?;
/// # check(mapping.segments().map(|s| s.len as usize).sum::<usize>() == len)?;
/// # check(mapping.unmap()?.into_buffer().len() == 2048)?;
/// ```
pub struct BufferRange<B> {
    buffer: B,
    start: usize,
    len: usize,
}

impl<B: SgBuffer> BufferRange<B> {
    /// Selects the bytes `range` of `buffer`.
    ///
    /// The range may start and end within an element, because either all bytes of an element may cross or
    /// none. An empty range adds nothing to a table. Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL`, with the buffer, if the range does not lie within the buffer.
    pub fn new(buffer: B, range: Range<usize>) -> Result<Self, MapError<B>> {
        match range.end.checked_sub(range.start) {
            // INVARIANT: `start + len` is the range's end.
            Some(len) if range.end <= buffer.len() => Ok(Self {
                buffer,
                start: range.start,
                len,
            }),
            _ => Err(MapError {
                error: EINVAL,
                buffer,
            }),
        }
    }

    /// Returns the range, in bytes.
    #[inline]
    pub fn range(&self) -> Range<usize> {
        // By the type invariants the sum does not wrap.
        self.start..self.start.wrapping_add(self.len)
    }

    /// Returns the whole buffer.
    #[inline]
    pub fn buffer(&self) -> &B {
        &self.buffer
    }

    /// Returns the whole buffer, by value.
    #[inline]
    pub fn into_buffer(self) -> B {
        self.buffer
    }
}

impl<B: SgBuffer> From<B> for BufferRange<B> {
    /// Selects the whole buffer.
    #[inline]
    fn from(buffer: B) -> Self {
        // INVARIANT: The sum is the length.
        Self {
            len: buffer.len(),
            start: 0,
            buffer,
        }
    }
}

/// Returns whether `chunk` starts and ends at a cache line of `line` bytes, which is a power of two.
fn is_whole(chunk: Chunk, line: usize) -> bool {
    // CAST: At most 64 bits.
    (chunk.phys | chunk.end()) & line.wrapping_sub(1) as u64 == 0
}

// SAFETY: The chunks are parts of the chunks of the buffer, which the value owns, and have `len` bytes
// (type invariant). Memory that shares a cache line with them is the rest of the buffer, which nothing
// accesses while the value is not borrowed, or is excluded by `owns_cache_lines`.
unsafe impl<B: SgBuffer> SgBuffer for BufferRange<B> {
    type Element = B::Element;

    const DROP_MAY_SLEEP: bool = B::DROP_MAY_SLEEP;
    const USER: bool = B::USER;

    #[inline]
    fn len(&self) -> usize {
        self.len
    }

    fn try_for_each_chunk(&self, mut f: impl FnMut(Chunk) -> Result) -> Result {
        let (mut skip, mut left) = (self.start as u64, self.len as u64);
        let mut done = left == 0;

        let clip: &mut dyn FnMut(Chunk) -> Result = &mut |chunk| {
            if done {
                // An error ends the walk early: many chunks may follow the range.
                return Err(EINTR);
            }
            let skipped = skip.min(chunk.len);
            skip = skip.wrapping_sub(skipped);
            let part = Chunk {
                // Within the chunk.
                phys: chunk.phys.wrapping_add(skipped),
                len: chunk.len.wrapping_sub(skipped).min(left),
            };
            if part.len != 0 {
                f(part)?;
                left = left.wrapping_sub(part.len);
                done = left == 0;
            }
            Ok(())
        };
        let result = walk::for_each_chunk(&self.buffer, clip);

        if done {
            Ok(())
        } else {
            result
        }
    }

    fn owns_cache_lines(&self, line: usize) -> bool {
        // User space may access the bytes next to the range.
        let apart = |chunk| is_whole(chunk, line).then_some(()).ok_or(EINVAL);

        self.len == 0
            || (self.buffer.owns_cache_lines(line)
                && (!B::USER || walk::for_each_chunk(self, apart).is_ok()))
    }

    fn check_lines(&self, lines: Lines<'_>) -> Result {
        let whole = self.owns_cache_lines(lines.unit());
        if B::USER {
            // Pages of two buffers may be joined, and then are not bounced.
            return whole.then_some(()).ok_or(EINVAL);
        }
        walk::for_each_chunk(self, |chunk| {
            lines.check_chunk(chunk, || whole || is_whole(chunk, lines.unit()))
        })
    }
}
