// SPDX-License-Identifier: GPL-2.0

//! Memory that a scatter-gather mapping can own.

use crate::{
    device::{
        lines::Lines,
        DmaDevice, //
    },
    direction::Direction,
    model::sync_attrs::{
        Readers,
        UnmapAttrs, //
    },
    state::State,
    sys::{
        chunk::Chunk,
        deferral,
        ffi, //
    },
};
use kernel::{
    bindings,
    prelude::*, //
};

/// Memory that a scatter-gather mapping can own.
///
/// # Safety
///
/// An implementor guarantees:
///
/// - The chunks are memory that the value owns, or has pinned, initialised, [`len`](Self::len)
///   bytes in all, none of the kernel's own twice. They stay the same, wherever the value is moved,
///   until it is dropped. A chunk of no bytes may be anywhere.
/// - The memory holds values of [`Element`](Self::Element) and nothing else, for everyone who gets
///   to see it: what may cross to the device, and back, is decided by that type.
/// - While the value is not borrowed, nobody accesses the memory, except user space its own. There
///   is no reference to memory that user space can reach: it may change at any time.
/// - Where `whole_lines` is `true`, no other memory shares a cache line with it. Where `check_lines` is
///   `Ok`, that is so of the chunks that the kernel does not bounce; and a chunk that is only bounced
///   is in no page that `try_for_each_page` goes through, where it could be joined to another.
/// - [`page_chunks`](Self::page_chunks) returns the number of chunks that are not empty, and they are as
///   it says, or `None`;
///   [`try_for_each_page`](Self::try_for_each_page) goes through the same ones then, in valid pages.
pub unsafe trait SgBuffer: Send + Sized + 'static {
    /// What the memory holds.
    type Element;

    /// Whether the value may be dropped in atomic context.
    const DROP_MAY_SLEEP: bool;

    /// Whether user space, or whoever else, has the memory, or a part of it, beyond the value.
    ///
    /// They are to find what the device wrote, also if the driver drops the mapping: it is synced then.
    /// Where nobody has the memory, it is not, so a value must not look at it when it is dropped.
    const USER: bool = false;

    /// Returns the number of bytes that are mapped.
    fn len(&self) -> usize;

    /// Returns whether there is nothing to map.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many chunks there are that are not empty, if each lies within one page, all but the
    /// first begin at the beginning of one, all but the last end at the end of one, and
    /// [`try_for_each_page`](Self::try_for_each_page) goes through them; `None` otherwise.
    #[doc(hidden)]
    #[inline]
    fn page_chunks(&self) -> Option<usize> {
        None
    }

    /// Calls `f` with the page, the offset in it, and the length of every chunk, in order, until it
    /// fails. Who wants to go through them uses [`walk`](super::walk), which leaves out empty ones.
    #[doc(hidden)]
    #[inline]
    fn try_for_each_page(
        &self,
        f: impl FnMut(*mut bindings::page, usize, usize) -> Result,
    ) -> Result {
        let _ = f;
        Err(EINVAL)
    }

    /// Calls `f` with every chunk, in order, until it fails. Who wants to go through them uses
    /// [`walk`](super::walk), which leaves out empty ones.
    #[doc(hidden)]
    fn try_for_each_chunk(&self, f: impl FnMut(Chunk) -> Result) -> Result;

    /// Returns whether the memory has its cache lines, of `line` bytes, to itself.
    #[doc(hidden)]
    fn whole_lines(&self, line: usize) -> bool;

    /// Checks that nothing is harmed beside the memory when a device writes to it: it has its lines to
    /// itself, or the kernel bounces each chunk, as it does with small ones of the heap.
    #[doc(hidden)]
    fn check_lines(&self, lines: Lines<'_>) -> Result {
        if self.is_empty() || self.whole_lines(lines.unit()) {
            return Ok(());
        }
        // What lies in pages may be joined with others, so that it is not bounced.
        if Self::USER || self.page_chunks().is_some() {
            return Err(EINVAL);
        }
        // Nothing is beside a chunk of no bytes.
        self.try_for_each_chunk(|chunk| match chunk.len {
            0 => Ok(()),
            _ => lines.check_chunk(chunk, || false),
        })
    }
}

/// A buffer whose elements are a slice for the CPU.
///
/// # Safety
///
/// `as_mut_slice` must not replace the value, nor anything of it but the elements: it may be mapped.
pub unsafe trait SgSlice: SgBuffer {
    /// Returns the elements.
    fn as_slice(&self) -> &[Self::Element];

    /// Returns the elements, to be written.
    fn as_mut_slice(&mut self) -> &mut [Self::Element];
}

/// Checks that a device that writes to `buffer` writes to nothing else with it.
///
/// # Errors
///
/// Where the device writes to it, and its DMA is not coherent with the caches:
///
/// - `EINVAL`: the buffer shares a cache line with other memory, and is not bounced for that.
/// - `EIO`: it is to be bounced, and cannot be.
#[inline]
pub(crate) fn check_lines<D: Direction, B: SgBuffer>(dev: DmaDevice<'_>, buffer: &B) -> Result {
    match Lines::written::<D>(dev) {
        Some(lines) => buffer.check_lines(lines),
        None => Ok(()),
    }
}

/// Drops `holder`, which has a buffer `B` of `size` bytes that is not mapped any more, where that is
/// legal.
///
/// Context: any.
#[inline]
pub(crate) fn release<B, H>(dev: DmaDevice<'_>, size: usize, holder: H)
where
    B: SgBuffer,
    H: Send + 'static,
{
    if B::DROP_MAY_SLEEP && !ffi::may_sleep() {
        // SAFETY: The buffer is `'static`, and unmapped.
        if !unsafe { deferral::defer(Some(dev), move || drop(holder)) } {
            dev.quarantine(size);
        }
    }
}

impl UnmapAttrs {
    /// For a buffer that is dropped in state `S`.
    #[inline(always)]
    pub(crate) const fn dropped<D: Direction, S: State, B: SgBuffer>() -> Self {
        Self::new::<D, S>(if B::USER {
            Readers::UserSpace
        } else {
            Readers::Nobody
        })
    }
}
