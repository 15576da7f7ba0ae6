// SPDX-License-Identifier: GPL-2.0

//! Buffer traits: memory that a scatter-gather mapping can own.

use crate::{
    device::{
        lines::Lines,
        DmaDevice, //
    },
    direction::Direction,
    handle::Unmap,
    model::sync_attrs::UnmapAttrs,
    state::State,
    sys::{
        chunk::{
            page_chunks,
            Chunk, //
        },
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
/// - The chunks are initialised memory that the value owns or has pinned, [`len`](Self::len) bytes in
///   all. No kernel memory is in them twice. They do not change until the value is dropped, even if it
///   is moved. An empty chunk may have any address.
/// - The memory holds values of [`Element`](Self::Element) and nothing else, for every reader. That type
///   decides what may cross to the device and back.
/// - While the value is not borrowed, nothing accesses the memory, except that user space may access its
///   own. No reference to memory that user space can access exists: it may change at any time.
/// - If `owns_cache_lines` returns `true`, no other memory shares a cache line with it. If `check_lines`
///   returns `Ok`, that holds for each chunk that the kernel does not bounce. A chunk that passes only
///   because it is bounced is in no page of `try_for_each_page`, where it could be joined to another.
/// - [`page_chunks`](Self::page_chunks) returns `None`, or the number of non-empty chunks, which are as
///   it documents. [`try_for_each_page`](Self::try_for_each_page) then visits the same chunks, in valid
///   pages.
pub unsafe trait SgBuffer: Send + Sized + 'static {
    /// The type of the values in the memory.
    type Element;

    /// Whether dropping the value may sleep, so that it is illegal in atomic context.
    const DROP_MAY_SLEEP: bool;

    /// Whether user space, or another owner, keeps the memory or a part of it beyond the value.
    ///
    /// Such an owner must see what the device wrote even if the driver drops the mapping, so the drop
    /// syncs. Otherwise it does not, so the value's own drop must not read the memory.
    const USER: bool = false;

    /// Returns the number of bytes that are mapped.
    fn len(&self) -> usize;

    /// Returns whether the buffer has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of non-empty chunks of a buffer made of pages; `None` for any other buffer.
    ///
    /// Each chunk of a buffer made of pages lies within one page. All but the first start at the start of
    /// a page, all but the last end at the end of one, and
    /// [`try_for_each_page`](Self::try_for_each_page) visits them.
    #[doc(hidden)]
    #[inline]
    fn page_chunks(&self) -> Option<usize> {
        None
    }

    /// Calls `f` with the page, the offset in it, and the length of each chunk, in order, until `f`
    /// fails. Callers use [`walk`](super::walk), which skips empty chunks.
    #[doc(hidden)]
    #[inline]
    fn try_for_each_page(
        &self,
        f: impl FnMut(*mut bindings::page, usize, usize) -> Result,
    ) -> Result {
        let _ = f;
        Err(EINVAL)
    }

    /// Calls `f` with each chunk, by default with each page, in order, until `f` fails. Callers use
    /// [`walk`](super::walk), which skips empty chunks.
    #[doc(hidden)]
    fn try_for_each_chunk(&self, f: impl FnMut(Chunk) -> Result) -> Result {
        // SAFETY: The function is called with the pages of the buffer only, which are valid.
        self.try_for_each_page(unsafe { page_chunks(f) })
    }

    /// Returns whether the memory shares no cache line, of `line` bytes, with other memory.
    #[doc(hidden)]
    fn owns_cache_lines(&self, line: usize) -> bool;

    /// Checks that a device's writes to the memory corrupt nothing next to it.
    ///
    /// The memory shares no cache line, or the kernel bounces each chunk, as it does with small `kmalloc()`
    /// buffers.
    #[doc(hidden)]
    fn check_lines(&self, lines: Lines<'_>) -> Result {
        if self.is_empty() || self.owns_cache_lines(lines.unit()) {
            return Ok(());
        }
        // Chunks in pages may be joined with others, and then are not bounced.
        if Self::USER || self.page_chunks().is_some() {
            return Err(EINVAL);
        }
        // An empty chunk has no neighbours.
        self.try_for_each_chunk(|chunk| match chunk.len {
            0 => Ok(()),
            _ => lines.check_chunk(chunk, || false),
        })
    }
}

/// A buffer that the CPU accesses as a slice.
///
/// # Safety
///
/// `as_mut_slice` must change nothing of the value but the elements: the value may be mapped.
pub unsafe trait SgSlice: SgBuffer {
    /// Returns the elements.
    fn as_slice(&self) -> &[Self::Element];

    /// Returns the elements, mutably.
    fn as_mut_slice(&mut self) -> &mut [Self::Element];
}

/// Checks that a device that writes to `buffer` corrupts nothing next to it.
///
/// # Errors
///
/// If the device writes to the buffer, and its DMA is not coherent with the caches:
///
/// - `EINVAL`: the buffer shares a cache line with other memory, and the kernel does not bounce it.
/// - `EIO`: the kernel would bounce the buffer, and cannot.
#[inline]
pub(crate) fn check_lines<D: Direction, B: SgBuffer>(dev: DmaDevice<'_>, buffer: &B) -> Result {
    match Lines::written::<D>(dev) {
        Some(lines) => buffer.check_lines(lines),
        None => Ok(()),
    }
}

/// Unmaps memory in state `S` that belongs to a buffer `B`, and drops the buffer.
///
/// The drop is deferred to a context that may sleep if necessary. The memory is quarantined if there is no
/// memory to defer the drop.
///
/// Context: any.
///
/// # Safety
///
/// The memory must be mapped in direction `D`, and the device must be done with it.
#[inline]
pub(crate) unsafe fn release<'bound, D, S, B, M>(mapped: M)
where
    D: Direction,
    S: State,
    B: SgBuffer,
    M: Unmap<Device = DmaDevice<'bound>, Buffer: Send + 'static>,
{
    let (dev, size) = (mapped.device(), mapped.size());
    // SAFETY: The memory is mapped in direction `D`, and the device is done (safety requirements of this
    // function).
    let buffer = unsafe { mapped.unmap::<D>(UnmapAttrs::dropped::<D, S, B>()) };

    if B::DROP_MAY_SLEEP && !ffi::may_sleep() {
        // SAFETY: `buffer` is `'static`, and not mapped any more, so the drop is valid at any time.
        if !unsafe { deferral::defer(Some(dev), drop_later(buffer)) } {
            dev.quarantine(size);
        }
    }
}

/// Returns a function that drops `buffer`: one for each type of it, whatever its mapping was.
fn drop_later<B>(buffer: B) -> impl FnOnce() {
    move || drop(buffer)
}

impl UnmapAttrs {
    /// Returns the attributes for a buffer that is dropped in state `S`.
    #[inline(always)]
    const fn dropped<D: Direction, S: State, B: SgBuffer>() -> Self {
        if B::USER {
            Self::given_back::<D, S>()
        } else {
            Self::UNREAD
        }
    }
}
