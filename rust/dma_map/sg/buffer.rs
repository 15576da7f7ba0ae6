// SPDX-License-Identifier: GPL-2.0

//! Memory that a scatter-gather mapping can own.

use super::{
    options::SgOptions,
    table::{
        Table,
        Within, //
    },
    walk, //
};
use crate::{
    deferral,
    device::DmaDevice,
    direction::Direction,
    ffi,
    linear,
    lines::Lines, //
};
use kernel::{
    alloc::{
        allocator::{
            KVmalloc,
            Kmalloc,
            Vmalloc, //
        },
        Vec,
    },
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

/// A piece of memory that is physically contiguous.
#[derive(Clone, Copy)]
pub struct Chunk {
    /// The physical address of the first byte.
    pub(crate) phys: u64,
    /// The number of bytes.
    pub(crate) len: u64,
}

impl Chunk {
    /// The physical address behind the last byte.
    ///
    /// Memory that exists does not wrap around the end of the address space.
    #[inline]
    pub(crate) fn end(self) -> u64 {
        self.phys.wrapping_add(self.len)
    }

    /// The physical address of the last byte.
    #[inline]
    pub(crate) fn last(self) -> u64 {
        self.end().wrapping_sub(1)
    }
}

/// What [`SgBuffer::make_table`] has made.
pub struct Made {
    /// The mapping's table; without entries, if the buffer keeps it.
    pub(super) table: Table,
    /// What is known of it.
    pub(super) within: Within,
}

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
/// - Either no value of the type keeps a table, or all do, each its own, the same each time that it is
///   asked for. A table that was made describes all of the memory, within what was asked for, until
///   another one is made or it is freed; what is said of its segments holds.
///
/// Who has a table mapped unmaps it before it is made anew or freed, and before anybody else has the
/// buffer.
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

    /// Makes a table for `dev`: builds one, which becomes the mapping's, or sees to it that the one
    /// that the buffer [keeps](Self::kept_table) can be mapped.
    #[doc(hidden)]
    #[inline(always)]
    fn make_table(&mut self, dev: DmaDevice<'_>, options: SgOptions) -> Result<Made> {
        Ok(Made {
            table: Table::new(dev, self, options)?,
            within: Within::Unknown,
        })
    }

    /// Returns the table that the buffer keeps, if buffers of this type do.
    #[doc(hidden)]
    #[inline(always)]
    fn kept_table(&self) -> Option<&Table> {
        None
    }

    /// Returns the table that the buffer keeps, if buffers of this type do.
    ///
    /// # Safety
    ///
    /// The table must stay in its place, and describe what it did. It may be mapped there.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn kept_table_mut(&mut self) -> Option<&mut Table> {
        None
    }

    /// Frees the table that the buffer keeps, if buffers of this type do.
    #[doc(hidden)]
    #[inline(always)]
    fn free_kept_table(&mut self) {}

    /// Returns whether the memory has its cache lines, of `line` bytes, to itself.
    #[doc(hidden)]
    fn whole_lines(&self, line: usize) -> bool;

    /// Checks that nothing is harmed beside the memory when a device writes to it.
    #[doc(hidden)]
    fn check_lines(&self, lines: Lines<'_>) -> Result {
        if self.is_empty() || self.whole_lines(lines.unit()) {
            Ok(())
        } else {
            Err(EINVAL)
        }
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

macro_rules! impl_slice {
    ($alloc:ty) => {
        // SAFETY: A slice of the elements replaces nothing but them.
        unsafe impl<T: Send + 'static> SgSlice for Vec<T, $alloc> {
            #[inline]
            fn as_slice(&self) -> &[T] {
                self
            }

            #[inline]
            fn as_mut_slice(&mut self) -> &mut [T] {
                self
            }
        }
    };
}

impl_slice!(Kmalloc);
impl_slice!(Vmalloc);
impl_slice!(KVmalloc);

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

/// [`SgBuffer::check_lines`] of a buffer of the heap, of which small chunks may be bounced.
#[inline]
pub(crate) fn check_chunks<B: SgBuffer>(buffer: &B, lines: Lines<'_>) -> Result {
    let whole = || buffer.whole_lines(lines.unit());

    walk::for_each_chunk(buffer, |chunk| lines.check_chunk(chunk, whole))
}

/// Drops `buffer`, which is not mapped any more, where that is legal.
///
/// Context: any.
#[inline]
pub(crate) fn release<B: SgBuffer>(dev: DmaDevice<'_>, buffer: B) {
    if B::DROP_MAY_SLEEP && !ffi::may_sleep() {
        let size = buffer.len();
        // SAFETY: The buffer is `'static`, and unmapped.
        if !unsafe { deferral::defer(Some(dev), move || drop(buffer)) } {
            dev.quarantine(size);
        }
    }
}

/// The one chunk of `len` bytes at `addr`.
///
/// # Safety
///
/// The bytes must be in the kernel's linear mapping.
#[inline]
pub(crate) unsafe fn linear_chunk(addr: *const u8, len: usize) -> Chunk {
    Chunk {
        // SAFETY: By the safety requirements of this function.
        phys: unsafe { linear::phys(addr) },
        len: len as u64,
    }
}

/// Makes a function of chunks one of pages.
#[inline]
pub(crate) fn page_chunks(
    mut f: impl FnMut(Chunk) -> Result,
) -> impl FnMut(*mut bindings::page, usize, usize) -> Result {
    move |page, offset, len| {
        f(Chunk {
            // SAFETY: The callers have a page of their buffer.
            phys: unsafe { linear::page_phys(page) } | offset as u64,
            len: len as u64,
        })
    }
}

/// Calls `f` with the pages behind the first `len` bytes of the allocation at `addr`.
///
/// # Safety
///
/// It must be a vmalloc allocation, which begins with a page, and not be freed meanwhile; or `len` be 0.
#[inline]
unsafe fn for_each_vmalloc_page(
    addr: *const u8,
    len: usize,
    mut f: impl FnMut(*mut bindings::page, usize, usize) -> Result,
) -> Result {
    // SAFETY: The callers have an address of the allocation, by the safety requirements of this
    // function.
    let page = |at: *const u8| unsafe { bindings::vmalloc_to_page(at.cast()) };
    let (mut at, mut left) = (addr, len);

    // A vector without an allocation points to nowhere, which nobody asks for the page of.
    while left >= PAGE_SIZE {
        f(page(at), 0, PAGE_SIZE)?;
        (at, left) = (at.wrapping_add(PAGE_SIZE), left.wrapping_sub(PAGE_SIZE));
    }
    if left != 0 {
        f(page(at), 0, left)?;
    }

    Ok(())
}

/// Returns whether a `kmalloc` allocation of at least `len` bytes has its cache lines to itself.
///
/// # Safety
///
/// `addr` must be the start of a live `kmalloc` allocation.
pub(crate) unsafe fn kmalloc_whole_lines(addr: *const u8, len: usize, line: usize) -> bool {
    // The size is then that which was asked for; there is nothing else in the page.
    if ffi::is_kfence(addr) {
        return true;
    }
    // SAFETY: By the safety requirements of this function.
    let size = unsafe { bindings::ksize(addr.cast()) };

    // `line` is a power of two, and no allocation is so large that the sum wraps.
    let mask = line.wrapping_sub(1);
    addr.addr() & mask == 0 && len.wrapping_add(mask) & !mask <= size
}

// SAFETY: A `KVec` owns one `kmalloc` allocation, which is in the linear mapping; `len` elements
// of it are initialised, and only those are in the chunk.
unsafe impl<T: Send + 'static> SgBuffer for KVec<T> {
    type Element = T;

    const DROP_MAY_SLEEP: bool = false;

    #[inline]
    fn len(&self) -> usize {
        core::mem::size_of_val::<[T]>(self)
    }

    fn try_for_each_chunk(&self, mut f: impl FnMut(Chunk) -> Result) -> Result {
        if SgBuffer::is_empty(self) {
            return Ok(());
        }
        // SAFETY: See above. There is at least one byte, so the pointer is not dangling.
        f(unsafe { linear_chunk(self.as_ptr().cast(), SgBuffer::len(self)) })
    }

    fn whole_lines(&self, line: usize) -> bool {
        if SgBuffer::is_empty(self) {
            return true;
        }
        // SAFETY: See `try_for_each_chunk`.
        unsafe { kmalloc_whole_lines(self.as_ptr().cast(), SgBuffer::len(self), line) }
    }

    fn check_lines(&self, lines: Lines<'_>) -> Result {
        check_chunks(self, lines)
    }
}

// SAFETY: A `VVec` owns one vmalloc allocation, which is whole pages; `len` elements of it are
// initialised, and only those are in the chunks.
unsafe impl<T: Send + 'static> SgBuffer for VVec<T> {
    type Element = T;

    const DROP_MAY_SLEEP: bool = true;

    #[inline]
    fn len(&self) -> usize {
        core::mem::size_of_val::<[T]>(self)
    }

    #[inline]
    fn page_chunks(&self) -> Option<usize> {
        Some(SgBuffer::len(self).div_ceil(PAGE_SIZE))
    }

    #[inline]
    fn try_for_each_page(
        &self,
        f: impl FnMut(*mut bindings::page, usize, usize) -> Result,
    ) -> Result {
        // SAFETY: See above. A vector without an allocation has no bytes.
        unsafe { for_each_vmalloc_page(self.as_ptr().cast(), SgBuffer::len(self), f) }
    }

    fn try_for_each_chunk(&self, f: impl FnMut(Chunk) -> Result) -> Result {
        self.try_for_each_page(page_chunks(f))
    }

    fn whole_lines(&self, _line: usize) -> bool {
        true
    }
}

// SAFETY: A `KVVec` owns an allocation of one of the two kinds above.
unsafe impl<T: Send + 'static> SgBuffer for KVVec<T> {
    type Element = T;

    const DROP_MAY_SLEEP: bool = true;

    #[inline]
    fn len(&self) -> usize {
        core::mem::size_of_val::<[T]>(self)
    }

    fn try_for_each_chunk(&self, mut f: impl FnMut(Chunk) -> Result) -> Result {
        let addr: *const u8 = self.as_ptr().cast();
        let len = SgBuffer::len(self);
        if len == 0 {
            return Ok(());
        }

        // SAFETY: The function only compares the address.
        if unsafe { bindings::is_vmalloc_addr(addr.cast()) } {
            // SAFETY: A vmalloc allocation that `self` owns.
            unsafe { for_each_vmalloc_page(addr, len, page_chunks(f)) }
        } else {
            // SAFETY: A `kmalloc` allocation that `self` owns.
            f(unsafe { linear_chunk(addr, len) })
        }
    }

    fn whole_lines(&self, line: usize) -> bool {
        let addr: *const u8 = self.as_ptr().cast();
        if SgBuffer::is_empty(self) {
            return true;
        }

        // SAFETY: The function only compares the address; what is not vmalloc memory is a
        // `kmalloc` allocation that `self` owns.
        unsafe {
            bindings::is_vmalloc_addr(addr.cast())
                || kmalloc_whole_lines(addr, SgBuffer::len(self), line)
        }
    }

    fn check_lines(&self, lines: Lines<'_>) -> Result {
        check_chunks(self, lines)
    }
}
