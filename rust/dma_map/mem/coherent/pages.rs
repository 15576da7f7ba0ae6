// SPDX-License-Identifier: GPL-2.0

//! Physical pages of coherent memory.

use super::DmaCoherent;
use crate::{
    engine::Engine,
    generic::{
        errno::to_result,
        variance::Invariant, //
    },
    state::Shared,
    sys::{
        ffi,
        linear, //
    },
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    io::PhysAddr,
    prelude::*,
    ptr::KnownSize, //
};

/// A physically contiguous run of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The physical address of the first byte.
    pub start: PhysAddr,
    /// The number of bytes, in whole pages.
    pub len: usize,
}

/// The physical pages of coherent memory, in order: for another device, or for an exporter.
///
/// The iterator yields physical addresses, which carry no lifetime: a caller must not use one
/// after the memory is freed.
///
/// # Invariants
///
/// `table` was filled by `dma_get_sgtable_attrs()` for memory that is borrowed during `'a`, each page of
/// which has a `struct page`.
pub struct PhysicalPages<'a> {
    table: bindings::sg_table,
    _memory: Invariant<'a>,
}

impl<T: KnownSize + ?Sized, E: Engine> DmaCoherent<'_, T, Shared<E>> {
    /// Returns the physical pages of the memory, which may have more bytes: the last page is a whole
    /// one.
    ///
    /// C API: `dma_get_sgtable_attrs()`. Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `ENOMEM`.
    /// - `ENXIO`: the platform cannot list them; or the device has a memory pool of its own, whose pages
    ///   may lack a `struct page`, which the C function does not check.
    pub fn pages(&self) -> Result<PhysicalPages<'_>> {
        // SAFETY: The device is bound, and reaches the memory at this address.
        if !unsafe { ffi::has_pages(self.backing.dev.as_raw(), self.backing.dma) } {
            return Err(ENXIO);
        }
        let mut table = bindings::sg_table {
            sgl: core::ptr::null_mut(),
            nents: 0,
            orig_nents: 0,
        };

        // SAFETY: By the type invariants these are the arguments of the allocation; `table` is writable.
        to_result(unsafe {
            bindings::dma_get_sgtable_attrs(
                self.backing.dev.as_raw(),
                &mut table,
                self.backing.cpu.as_ptr().cast(),
                self.backing.dma,
                self.size(),
                self.backing.attrs,
            )
        })?;

        // INVARIANT: Filled above, for pages that have a `struct page` (checked above).
        Ok(PhysicalPages {
            table,
            _memory: PhantomData,
        })
    }
}

impl PhysicalPages<'_> {
    /// Iterates over the runs of contiguous pages.
    ///
    /// Context: any.
    #[inline]
    pub fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        let mut sg = self.table.sgl;
        let mut left = self.table.orig_nents;

        core::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            // SAFETY: By the type invariants `sg` is one of the `left` entries of our table, and has a
            // page. After the last entry the pointer is not used.
            unsafe {
                let page = ((*sg).page_link & !3) as *mut bindings::page;
                let run = Run {
                    // CAST: The helper widens a `phys_addr_t`.
                    start: linear::page_phys(page) as PhysAddr,
                    // CAST: `usize` has at least 32 bits where there is DMA.
                    len: (*sg).length as usize,
                };
                sg = bindings::sg_next(sg);
                Some(run)
            }
        })
    }
}

impl Drop for PhysicalPages<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariants the table was filled, and this value owns it.
        unsafe { bindings::sg_free_table(&mut self.table) };
    }
}

// SAFETY: Any thread may read and free the table.
unsafe impl Send for PhysicalPages<'_> {}

// SAFETY: Shared references only read the table.
unsafe impl Sync for PhysicalPages<'_> {}
