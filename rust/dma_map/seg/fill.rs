// SPDX-License-Identifier: GPL-2.0

//! Table entries: writing them one after the other.
//!
//! C's `sg_alloc_table_from_pages_segment()` takes an array of pages, and knows one limit, the largest
//! segment. A table here must keep to a boundary and to the length of a bounce buffer, too, and is built
//! from a buffer whose pages are in no array.

use crate::{
    device::split::Split,
    sys::{
        chunk::Chunk,
        linear, //
    },
};
use core::mem::MaybeUninit;
use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

/// The flags in `page_link`: `SG_CHAIN`, for a link to further entries, and `SG_END`.
pub(super) const CHAIN: c_ulong = 1;
const END: c_ulong = 2;

/// An entry that describes no memory, and is not mapped.
// SAFETY: An entry consists of integers, which may be 0.
const UNMAPPED: bindings::scatterlist = unsafe { MaybeUninit::zeroed().assume_init() };

/// Returns the entry that the link at `sg` points to.
///
/// # Safety
///
/// `sg` must be a link to further entries.
#[inline(always)]
pub(super) unsafe fn follow(sg: *const bindings::scatterlist) -> *mut bindings::scatterlist {
    // Links are rare: reload `page_link` here, rather than keep it in a register in every other step.
    let sg = core::hint::black_box(sg);
    // SAFETY: `sg` is a link, so it is valid for reads (safety requirements of this function).
    let link = unsafe { (*sg).page_link };

    // CAST: `unsigned long` has the size of an address. C converts the integer to a pointer, too.
    core::ptr::with_exposed_provenance_mut((link & !(CHAIN | END)) as usize)
}

/// The position in one array, which is not initialised.
pub(super) type FlatFill = Fill<false>;

/// The position in a table of `sg_alloc_table()`: zeroed arrays, with a link from each to the next.
pub(super) type LinkedFill = Fill<true>;

/// The position at which the next entry of a table is written.
///
/// # Invariants
///
/// - The entries are zeroed arrays with links if `LINKED`, one array otherwise.
/// - `sg` is the first entry that is not written, or a link to it, or the position after the last one.
/// - `last` is the entry that was written last, or NULL.
/// - If `next` is not NULL, `last` ends where that page starts.
pub(super) struct Fill<const LINKED: bool> {
    sg: *mut bindings::scatterlist,
    last: *mut bindings::scatterlist,
    /// The number of pieces that were joined to an entry, and have none of their own.
    joined: c_uint,
    /// The page that would continue the last entry, or NULL.
    next: *mut bindings::page,
}

impl<const LINKED: bool> Fill<LINKED> {
    /// Starts at `sg`.
    ///
    /// # Safety
    ///
    /// `sg` must be the first entry of a newly allocated table in this layout, which must have as many
    /// entries as are written.
    #[inline]
    pub(super) unsafe fn new(sg: *mut bindings::scatterlist) -> Self {
        // INVARIANT: `sg` is the first entry (safety requirements of this function); none is written yet.
        Self {
            sg,
            last: core::ptr::null_mut(),
            joined: 0,
            next: core::ptr::null_mut(),
        }
    }

    /// Writes an entry: `len` bytes from `offset` in `page`, which may extend into the next pages.
    ///
    /// This is `sg_set_page()`, on an entry without flags: [`end`](Self::end) flags the last one.
    #[inline]
    fn set(&mut self, page: *mut bindings::page, offset: usize, len: u64) {
        // SAFETY: By the type invariants `sg` is the next entry, or a link to it in a linked table; the table
        // has enough entries (safety requirements of `new`).
        //
        // CAST: An offset in a page, and a length of at most `max_segment_size`, which is 32 bits.
        unsafe {
            if !LINKED {
                self.sg.write(UNMAPPED);
            } else if (*self.sg).page_link & CHAIN != 0 {
                self.sg = follow(self.sg);
            }
            (*self.sg).page_link = page.addr() as c_ulong;
            (*self.sg).offset = offset as c_uint;
            (*self.sg).length = len as c_uint;
        }

        // INVARIANT: `last` is the entry that was written, and `sg` is after it.
        self.last = self.sg;
        self.sg = self.sg.wrapping_add(1);
    }

    /// Writes an entry for `chunk`.
    ///
    /// # Safety
    ///
    /// The chunk must be memory that has pages, and its length must fit in 32 bits.
    #[inline]
    pub(super) unsafe fn push(&mut self, chunk: Chunk) {
        // SAFETY: The memory has pages (safety requirements of this function).
        let page = unsafe { linear::page(chunk.phys) };
        // CAST: Less than a page.
        self.set(page, (chunk.phys % PAGE_SIZE as u64) as usize, chunk.len);
    }

    /// Adds `len` bytes from `offset` in `page`.
    ///
    /// Extends the last entry if they continue it and `split` allows that; otherwise writes a new entry.
    ///
    /// # Safety
    ///
    /// `page` must be valid, and the bytes be within it.
    #[inline]
    pub(super) unsafe fn push_page(
        &mut self,
        page: *mut bindings::page,
        offset: usize,
        len: usize,
        split: Split,
    ) {
        // SAFETY: By the type invariants `last` is NULL, or an entry that ends where the page starts. The
        // page is valid (safety requirements of this function).
        if page == self.next && offset == 0 && unsafe { join(self.last, page, len, split) } {
            self.joined = self.joined.wrapping_add(1);
        } else {
            self.set(page, offset, len as u64);
        }
        // INVARIANT: `next` is the page after an entry that ends with its page, or NULL.
        self.next = match offset.wrapping_add(len) {
            PAGE_SIZE => page.wrapping_add(1),
            _ => core::ptr::null_mut(),
        };
    }

    /// Flags the last entry that was written, and returns the number of pieces that were joined.
    #[inline]
    pub(super) fn end(self) -> c_uint {
        // SAFETY: By the type invariants `last` is an entry that was written, or NULL.
        if let Some(last) = unsafe { self.last.as_mut() } {
            last.page_link |= END;
        }
        self.joined
    }
}

/// Extends the entry `last` by `len` bytes at the start of `page`, if `split` allows.
///
/// Not a method, so that the calling loop keeps its [`Fill`] in registers.
///
/// # Safety
///
/// `last` must be NULL, or an entry that ends where the page starts; the page must be valid.
unsafe fn join(
    last: *mut bindings::scatterlist,
    page: *mut bindings::page,
    len: usize,
    split: Split,
) -> bool {
    // SAFETY: `last` is NULL or an entry, and the page is valid (safety requirements of this function).
    let (last, phys) = unsafe { (last.as_mut(), linear::page_phys(page)) };
    let Some(last) = last else {
        return false;
    };

    // CAST: Not more than a page.
    match split.join(phys, last.length, len as c_uint) {
        None => false,
        Some(sum) => {
            last.length = sum;
            true
        }
    }
}
