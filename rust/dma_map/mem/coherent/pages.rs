// SPDX-License-Identifier: GPL-2.0

//! The physical pages behind coherent memory.

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

/// Memory that is physically contiguous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The physical address of the first byte.
    pub start: PhysAddr,
    /// The number of bytes; whole pages.
    pub len: usize,
}

/// The physical pages behind coherent memory, in order: for another device, or an exporter.
///
/// What this gives are physical addresses and nothing more: who is told of them is not held to the
/// lifetime of the memory.
///
/// # Invariants
///
/// `table` was filled by `dma_get_sgtable_attrs()` for memory that is borrowed during `'a`, and that has
/// a `struct page` for each page.
pub struct PhysicalPages<'a> {
    table: bindings::sg_table,
    _memory: Invariant<'a>,
}

impl<T: KnownSize + ?Sized, E: Engine> DmaCoherent<'_, T, Shared<E>> {
    /// Returns the physical pages behind the memory; at least as many bytes as it has, since the
    /// last page is a whole one.
    ///
    /// C API: `dma_get_sgtable_attrs()`. Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `ENOMEM`.
    /// - `ENXIO`: the platform cannot tell; or the device has a pool of memory to itself, for which there
    ///   may be no `struct page`, and the C function does not ask.
    pub fn pages(&self) -> Result<PhysicalPages<'_>> {
        // SAFETY: The device is bound, and reaches the memory there.
        if !unsafe { ffi::has_pages(self.backing.dev.as_raw(), self.backing.dma) } {
            return Err(ENXIO);
        }
        let mut table = bindings::sg_table {
            sgl: core::ptr::null_mut(),
            nents: 0,
            orig_nents: 0,
        };

        // SAFETY: By the type invariants these are the arguments of the allocation, and `table` is
        // valid for writes.
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

        // INVARIANT: Filled above; that there are pages was seen before.
        Ok(PhysicalPages {
            table,
            _memory: PhantomData,
        })
    }
}

impl PhysicalPages<'_> {
    /// Iterates over the pages: as many at a time as are contiguous.
    ///
    /// Context: any.
    #[inline]
    pub fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        let mut sg = self.table.sgl;
        let mut left = self.table.orig_nents;

        core::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            // SAFETY: `sg` is one of the `left` entries of our table, by the type invariants, and
            // has a page. After the last entry the pointer is not used.
            unsafe {
                let page = ((*sg).page_link & !3) as *mut bindings::page;
                let run = Run {
                    // CAST: The helper widens what is a `phys_addr_t`.
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
        // SAFETY: By the type invariants the table was filled.
        unsafe { bindings::sg_free_table(&mut self.table) };
    }
}

// SAFETY: The table is not tied to a thread.
unsafe impl Send for PhysicalPages<'_> {}

// SAFETY: Shared references only read.
unsafe impl Sync for PhysicalPages<'_> {}
