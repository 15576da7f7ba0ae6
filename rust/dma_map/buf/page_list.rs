// SPDX-License-Identifier: GPL-2.0

//! Page lists: any number of single pages.

use super::buffer::SgBuffer;
use crate::{
    generic::vec,
    gfp::Gfp, //
};
use kernel::{
    bindings,
    page::{
        Page,
        PAGE_SIZE, //
    },
    prelude::*, //
};

/// A list of whole pages, zeroed on allocation.
///
/// The pages are not contiguous for the CPU, so they are accessed by copying.
///
/// # Invariants
///
/// The pages are initialised, and nothing else accesses them.
pub struct PageList {
    pages: KVec<Page>,
}

impl PageList {
    /// Allocates `count` pages of zeroes.
    ///
    /// C API: `alloc_page()`. Context: may sleep with [`Gfp::Kernel`], any otherwise.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn zeroed(count: usize, gfp: Gfp) -> Result<Self> {
        let mut pages = vec::with_capacity(count, gfp.flags())?;

        for _ in 0..count {
            let page = Page::alloc_page(gfp.flags())?;
            // SAFETY: The page is new, so nothing else accesses it.
            unsafe { page.fill_zero_raw(0, PAGE_SIZE)? };
            vec::push(&mut pages, page, gfp.flags()).map_err(|_| ENOMEM)?;
        }

        // INVARIANT: Zeroed above.
        Ok(Self { pages })
    }

    /// Returns the number of pages.
    #[inline]
    pub fn page_count(&self) -> usize {
        self.pages.len()
    }

    /// Calls `f` for each page of `len` bytes from `offset`: with the page, the offset in it, and the
    /// range of the caller's data.
    fn for_range(
        &self,
        offset: usize,
        len: usize,
        mut f: impl FnMut(&Page, usize, core::ops::Range<usize>) -> Result,
    ) -> Result {
        let end = offset.checked_add(len).ok_or(EINVAL)?;
        if end > SgBuffer::len(self) {
            return Err(EINVAL);
        }

        let mut done = 0;
        while done < len {
            // Not beyond `end`.
            let at = offset.wrapping_add(done);
            let in_page = at % PAGE_SIZE;
            let step = (PAGE_SIZE - in_page).min(len.wrapping_sub(done));
            let page = self.pages.get(at / PAGE_SIZE).ok_or(EINVAL)?;
            let next = done.wrapping_add(step);
            f(page, in_page, done..next)?;
            done = next;
        }

        Ok(())
    }

    /// Copies bytes from the pages, from `offset` on, to `data`.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the range does not lie within the pages; `data` is not changed then.
    pub fn read(&self, offset: usize, data: &mut [u8]) -> Result {
        self.for_range(offset, data.len(), |page, in_page, range| {
            let part = data.get_mut(range).ok_or(EINVAL)?;
            // SAFETY: `part` is valid for writes of its length. The pages are ours (type
            // invariant) and are written through `&mut self` only.
            unsafe { page.read_raw(part.as_mut_ptr(), in_page, part.len()) }
        })
    }

    /// Copies `data` to the pages, from `offset` on.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the range does not lie within the pages; nothing is written then.
    pub fn write(&mut self, offset: usize, data: &[u8]) -> Result {
        self.for_range(offset, data.len(), |page, in_page, range| {
            let part = data.get(range).ok_or(EINVAL)?;
            // SAFETY: `part` is valid for reads of its length. The pages are ours (type
            // invariant), and `self` is borrowed exclusively.
            unsafe { page.write_raw(part.as_ptr(), in_page, part.len()) }
        })
    }
}

// SAFETY: The pages are owned, initialised, distinct and whole (type invariant).
unsafe impl SgBuffer for PageList {
    type Element = u8;

    const DROP_MAY_SLEEP: bool = false;

    #[inline]
    fn len(&self) -> usize {
        // The pages exist, so their size does not wrap.
        self.pages.len().wrapping_mul(PAGE_SIZE)
    }

    #[inline]
    fn page_chunks(&self) -> Option<usize> {
        Some(self.pages.len())
    }

    #[inline]
    fn try_for_each_page(
        &self,
        mut f: impl FnMut(*mut bindings::page, usize, usize) -> Result,
    ) -> Result {
        self.pages
            .iter()
            .try_for_each(|page| f(page.as_ptr(), 0, PAGE_SIZE))
    }

    fn owns_cache_lines(&self, _line: usize) -> bool {
        true
    }
}
