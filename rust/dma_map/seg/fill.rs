// SPDX-License-Identifier: GPL-2.0

//! Writing the entries of a table, each in its turn.

use crate::{
    device::split::Split,
    sys::{
        chunk::Chunk,
        linear, //
    },
};
use core::{
    marker::PhantomData,
    mem::MaybeUninit, //
};
use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

/// The bits of `page_link`: `SG_CHAIN`, for a link to further entries, and `SG_END`.
pub(super) const CHAIN: c_ulong = 1;
const END: c_ulong = 2;

/// An entry that describes nothing, and is not mapped.
// SAFETY: An entry is of integers.
const UNMAPPED: bindings::scatterlist = unsafe { MaybeUninit::zeroed().assume_init() };

/// Returns the entry that the link at `sg` leads to.
///
/// # Safety
///
/// `sg` must be a link to further entries.
#[inline(always)]
pub(super) unsafe fn follow(sg: *const bindings::scatterlist) -> *mut bindings::scatterlist {
    // A link is rare. That it was tested already must not cost a register in each other step.
    let sg = core::hint::black_box(sg);
    // SAFETY: By the safety requirements of this function.
    let link = unsafe { (*sg).page_link };

    // CAST: `unsigned long` has the size of an address. C makes the pointer of an integer too.
    core::ptr::with_exposed_provenance_mut((link & !(CHAIN | END)) as usize)
}

/// How the entries of a table lie in memory.
pub(super) trait Layout {
    /// Whether an entry is zeroed before it is written.
    const ZEROED: bool;

    /// Returns the entry at `sg`, or that which is linked from there.
    ///
    /// # Safety
    ///
    /// `sg` must be an entry, or a link to one, of a table of this kind.
    unsafe fn entry(sg: *mut bindings::scatterlist) -> *mut bindings::scatterlist;
}

/// One array, which nobody has written to.
pub(super) struct Flat;

/// What `sg_alloc_table()` makes: zeroed arrays, with a link from each to the next.
pub(super) struct Linked;

impl Layout for Flat {
    const ZEROED: bool = false;

    #[inline(always)]
    unsafe fn entry(sg: *mut bindings::scatterlist) -> *mut bindings::scatterlist {
        sg
    }
}

impl Layout for Linked {
    const ZEROED: bool = true;

    #[inline(always)]
    unsafe fn entry(sg: *mut bindings::scatterlist) -> *mut bindings::scatterlist {
        // SAFETY: By the safety requirements of this function.
        unsafe {
            if (*sg).page_link & CHAIN != 0 {
                follow(sg)
            } else {
                sg
            }
        }
    }
}

/// Where the next entry of a table is written.
///
/// # Invariants
///
/// - `sg` is the first of the entries that are not written, or a link to it, or what is behind the
///   last one.
/// - `last` is the entry that was written last, or NULL.
/// - If `next` is not NULL, `last` ends where that page begins.
pub(super) struct Fill<L> {
    sg: *mut bindings::scatterlist,
    last: *mut bindings::scatterlist,
    /// How many entries less there are than pieces, because pieces were joined.
    joined: c_uint,
    /// The page that would continue the last entry, or NULL.
    next: *mut bindings::page,
    _layout: PhantomData<L>,
}

impl<L: Layout> Fill<L> {
    /// Begins at `sg`.
    ///
    /// # Safety
    ///
    /// `sg` must be the first entry of a table as it was allocated, and there must be as many entries
    /// as are written.
    #[inline]
    pub(super) unsafe fn new(sg: *mut bindings::scatterlist) -> Self {
        // INVARIANT: By the safety requirements of this function; nothing is written yet.
        Self {
            sg,
            last: core::ptr::null_mut(),
            joined: 0,
            next: core::ptr::null_mut(),
            _layout: PhantomData,
        }
    }

    /// Writes an entry: `len` bytes from `offset` on in `page`, and behind it.
    ///
    /// This is `sg_set_page()`, on an entry without marks: the last one that is written gets one in
    /// [`end`](Self::end).
    #[inline]
    fn set(&mut self, page: *mut bindings::page, offset: usize, len: u64) {
        // SAFETY: By the type invariants, and as there are enough entries, `sg` is an entry or a link
        // to one.
        //
        // CAST: An offset in a page, and a length of at most `max_segment_size`, which is 32 bits.
        unsafe {
            self.sg = L::entry(self.sg);
            if !L::ZEROED {
                self.sg.write(UNMAPPED);
            }
            (*self.sg).page_link = page.addr() as c_ulong;
            (*self.sg).offset = offset as c_uint;
            (*self.sg).length = len as c_uint;
        }

        // INVARIANT: One further.
        self.last = self.sg;
        self.sg = self.sg.wrapping_add(1);
    }

    /// Writes an entry for `chunk`.
    ///
    /// # Safety
    ///
    /// It must be memory that has pages, and its length have 32 bits.
    #[inline]
    pub(super) unsafe fn push(&mut self, chunk: Chunk) {
        // SAFETY: By the safety requirements of this function.
        let page = unsafe { linear::page(chunk.phys) };
        // CAST: Less than a page.
        self.set(page, (chunk.phys % PAGE_SIZE as u64) as usize, chunk.len);
    }

    /// Adds `len` bytes from `offset` on in `page`, which they do not leave: to the last entry where
    /// they continue it and `split` allows, or else as an entry of their own.
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
        // SAFETY: By the type invariants `last` is an entry, or NULL, and it ends where the page begins; the
        // page is valid by the safety requirements of this function.
        if page == self.next && offset == 0 && unsafe { join(self.last, page, len, split) } {
            self.joined = self.joined.wrapping_add(1);
        } else {
            self.set(page, offset, len as u64);
        }
        // INVARIANT: What ends before its page does is not continued.
        self.next = match offset.wrapping_add(len) {
            PAGE_SIZE => page.wrapping_add(1),
            _ => core::ptr::null_mut(),
        };
    }

    /// Marks the last entry that was written, and returns how many less there are than pieces.
    #[inline]
    pub(super) fn end(self) -> c_uint {
        // SAFETY: By the type invariants it is an entry, or NULL.
        if let Some(last) = unsafe { self.last.as_mut() } {
            last.page_link |= END;
        }
        self.joined
    }
}

/// Makes the entry `last` longer, by `len` bytes at the beginning of `page`, if `split` allows.
///
/// Not a method: the loop that calls this keeps its [`Fill`] in registers.
///
/// # Safety
///
/// `last` must be NULL, or an entry that ends where the page begins; the page must be valid.
unsafe fn join(
    last: *mut bindings::scatterlist,
    page: *mut bindings::page,
    len: usize,
    split: Split,
) -> bool {
    // SAFETY: By the safety requirements of this function.
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
