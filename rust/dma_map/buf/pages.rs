// SPDX-License-Identifier: GPL-2.0

//! Contiguous pages.
//!
//! C header: [`include/linux/gfp.h`](srctree/include/linux/gfp.h)

use super::{
    buffer::{
        SgBuffer,
        SgSlice, //
    },
    contiguous::{
        deref_contents,
        Contiguous, //
    }, //
};
use crate::{
    gfp::Gfp,
    sys::chunk::{
        linear_chunk,
        Chunk, //
    },
};
use core::{
    ops::{
        Deref,
        DerefMut, //
    },
    ptr::NonNull, //
};
use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

/// Contiguous pages, a power of two of them; zeroed on allocation.
///
/// # Invariants
///
/// `addr` is the address, in the linear mapping, of `PAGE_SIZE << order` bytes that came from
/// `__get_free_pages()`, are initialised, and belong to this value.
pub struct Pages {
    addr: NonNull<u8>,
    order: u32,
}

// SAFETY: The value owns its pages, which are not tied to a thread.
unsafe impl Send for Pages {}

// SAFETY: Shared references only read.
unsafe impl Sync for Pages {}

impl Pages {
    /// Allocates `2^order` contiguous pages of zeroes.
    ///
    /// The higher the order, the more likely the allocation fails.
    ///
    /// C API: `__get_free_pages()`. Context: may sleep with [`Gfp::Kernel`], any otherwise.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, also where the page allocator has no such order.
    pub fn zeroed(order: u32, gfp: Gfp) -> Result<Self> {
        // Whatever the page allocator's largest order is, sizes do not wrap below this one.
        if order >= usize::BITS - bindings::PAGE_SHIFT {
            return Err(ENOMEM);
        }

        // SAFETY: The function has no preconditions; without a zone modifier, what it returns is in
        // the linear mapping.
        let addr =
            unsafe { bindings::get_free_pages_noprof(gfp.as_raw() | bindings::__GFP_ZERO, order) };
        // CAST: An address; NULL on failure.
        let addr = NonNull::new(addr as *mut u8).ok_or(ENOMEM)?;

        // INVARIANT: Allocated and zeroed above.
        Ok(Self { addr, order })
    }

    /// Returns the number of pages, as a power of two.
    #[inline]
    pub fn order(&self) -> u32 {
        self.order
    }

    #[inline]
    fn size(&self) -> usize {
        // The pages exist, so their size does not wrap.
        PAGE_SIZE.wrapping_shl(self.order)
    }
}

impl Deref for Pages {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: By the type invariants `addr` has that many initialised bytes, which are ours.
        unsafe { core::slice::from_raw_parts(self.addr.as_ptr(), self.size()) }
    }
}

impl DerefMut for Pages {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: By the type invariants `addr` has that many initialised bytes, which are ours;
        // `self` is borrowed exclusively.
        unsafe { core::slice::from_raw_parts_mut(self.addr.as_ptr(), self.size()) }
    }
}

impl Drop for Pages {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariants the pages were allocated with this order, and they are not
        // used again.
        unsafe { bindings::free_pages(self.addr.as_ptr() as c_ulong, self.order) };
    }
}

// SAFETY: The pages are owned, initialised, contiguous and whole (type invariants).
unsafe impl SgBuffer for Pages {
    type Element = u8;

    const DROP_MAY_SLEEP: bool = false;

    #[inline]
    fn len(&self) -> usize {
        self.size()
    }

    fn try_for_each_chunk(&self, mut f: impl FnMut(Chunk) -> Result) -> Result {
        // SAFETY: The pages are in the linear mapping (type invariants).
        f(unsafe { linear_chunk(self.addr.as_ptr(), self.size()) })
    }

    #[inline]
    fn owns_cache_lines(&self, _line: usize) -> bool {
        true
    }
}

// SAFETY: The slice is the bytes of the pages; `addr` and `order` do not change.
unsafe impl SgSlice for Pages {
    #[inline]
    fn as_slice(&self) -> &[u8] {
        self
    }

    #[inline]
    fn as_mut_slice(&mut self) -> &mut [u8] {
        self
    }
}

// SAFETY: All of the pages is what the value derefs to, in the linear mapping (type invariants).
unsafe impl Contiguous for Pages {
    deref_contents!([u8]);
}
