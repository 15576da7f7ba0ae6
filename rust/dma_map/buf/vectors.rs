// SPDX-License-Identifier: GPL-2.0

//! Vectors as buffers: `KVec`, `VVec` and `KVVec`.

use super::buffer::{
    SgBuffer,
    SgSlice, //
};
use crate::sys::{
    chunk::{
        linear_chunk,
        page_chunks,
        Chunk, //
    },
    ffi, //
};
use kernel::{
    alloc::{
        Allocator,
        Vec, //
    },
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

// SAFETY: A slice of the elements replaces nothing but them.
unsafe impl<T: Send + 'static, A: Allocator> SgSlice for Vec<T, A>
where
    Self: SgBuffer<Element = T>,
{
    #[inline]
    fn as_slice(&self) -> &[T] {
        self
    }

    #[inline]
    fn as_mut_slice(&mut self) -> &mut [T] {
        self
    }
}

/// Calls `f` with the pages of the first `len` bytes of the allocation at `addr`.
///
/// # Safety
///
/// `addr` must be the start of a vmalloc allocation, which is page-aligned, and must not be freed
/// meanwhile; or `len` must be 0.
#[inline]
unsafe fn for_each_vmalloc_page(
    addr: *const u8,
    len: usize,
    mut f: impl FnMut(*mut bindings::page, usize, usize) -> Result,
) -> Result {
    // SAFETY: `at` is an address in the vmalloc allocation (safety requirements of this function).
    let page = |at: *const u8| unsafe { bindings::vmalloc_to_page(at.cast()) };
    let (mut at, mut left) = (addr, len);

    // A vector without an allocation has no bytes, so its dangling pointer is not looked up.
    while left >= PAGE_SIZE {
        f(page(at), 0, PAGE_SIZE)?;
        (at, left) = (at.wrapping_add(PAGE_SIZE), left.wrapping_sub(PAGE_SIZE));
    }
    if left != 0 {
        f(page(at), 0, left)?;
    }

    Ok(())
}

/// Returns whether a `kmalloc` allocation of at least `len` bytes shares no cache line.
///
/// # Safety
///
/// `addr` must be the start of a live `kmalloc` allocation; or `len` must be 0.
pub(crate) unsafe fn kmalloc_whole_lines(addr: *const u8, len: usize, line: usize) -> bool {
    if len == 0 {
        return true;
    }
    // `ksize()` would return the requested size, but nothing else is in the page.
    if ffi::is_kfence(addr) {
        return true;
    }
    // SAFETY: `addr` is a live `kmalloc` allocation (safety requirements of this function).
    let size = unsafe { bindings::ksize(addr.cast()) };

    // `line` is a power of two, and no allocation is so large that the sum wraps.
    let mask = line.wrapping_sub(1);
    addr.addr() & mask == 0 && len.wrapping_add(mask) & !mask <= size
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
        // SAFETY: The vector owns its vmalloc allocation; one without an allocation has no bytes.
        unsafe { for_each_vmalloc_page(self.as_ptr().cast(), SgBuffer::len(self), f) }
    }

    fn owns_cache_lines(&self, _line: usize) -> bool {
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
            // SAFETY: `self` owns the vmalloc allocation; the function is called with its pages only.
            unsafe { for_each_vmalloc_page(addr, len, page_chunks(f)) }
        } else {
            // SAFETY: `self` owns the `kmalloc` allocation, which is in the linear mapping.
            f(unsafe { linear_chunk(addr, len) })
        }
    }

    fn owns_cache_lines(&self, line: usize) -> bool {
        let addr: *const u8 = self.as_ptr().cast();

        // SAFETY: The function only compares the address; what is not vmalloc memory is a
        // `kmalloc` allocation that `self` owns, or has no bytes.
        unsafe {
            bindings::is_vmalloc_addr(addr.cast())
                || kmalloc_whole_lines(addr, SgBuffer::len(self), line)
        }
    }
}
