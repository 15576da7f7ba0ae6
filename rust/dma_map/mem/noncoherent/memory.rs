// SPDX-License-Identifier: GPL-2.0

//! Contiguous and noncontiguous pages for streaming: the calls of the C API.

use crate::{
    device::{
        refusal,
        DmaDevice, //
    },
    direction::Direction,
    gfp::Gfp,
    sys::{
        ffi,
        ledger, //
    },
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    dma::DmaAddress,
    page::PAGE_SIZE,
    prelude::*, //
};

/// The arguments of the C API's functions that an allocation does not return.
#[derive(Clone, Copy)]
pub struct Place {
    pub(super) dev: *mut bindings::device,
    pub(super) cpu: NonNull<c_void>,
    pub(super) size: usize,
    pub(super) direction: bindings::dma_data_direction,
}

mod private {
    use super::*;

    /// The operations on an allocation.
    ///
    /// `place` must be the one that the memory was allocated for, and its device must be bound.
    pub trait Backend: Copy + Send + Sync + 'static {
        fn dma_address(&self) -> DmaAddress;

        /// # Safety
        ///
        /// See [`Backend`].
        unsafe fn sync_for_device(&self, place: &Place);

        /// # Safety
        ///
        /// See [`Backend`].
        unsafe fn sync_for_cpu(&self, place: &Place);

        /// # Safety
        ///
        /// See [`Backend`]. Called once, where it may sleep, when nobody uses the memory any more.
        unsafe fn free(self, place: &Place);

        /// # Safety
        ///
        /// See [`Backend`]. `vma` must be under initialisation, and map nothing yet.
        unsafe fn mmap(&self, place: &Place, vma: *mut bindings::vm_area_struct) -> c_int;
    }
}

/// A kind of memory: [`ContiguousPages`] or [`NoncontiguousPages`].
pub trait Memory: private::Backend {}
impl Memory for ContiguousPages {}
impl Memory for NoncontiguousPages {}

/// New memory, with its address for the CPU and its size in whole pages.
pub(super) struct Allocation<M> {
    pub(super) memory: M,
    pub(super) cpu: NonNull<c_void>,
    pub(super) size: usize,
}

/// Rounds up to whole pages. The caller has checked that this does not overflow.
#[inline]
fn whole_pages(size: usize) -> usize {
    size.wrapping_add(PAGE_SIZE - 1) & !(PAGE_SIZE - 1)
}

/// Contiguous pages, allocated by `dma_alloc_pages()`.
#[derive(Clone, Copy)]
pub struct ContiguousPages {
    page: NonNull<bindings::page>,
    dma: DmaAddress,
}

// SAFETY: Any thread may use and free pages.
unsafe impl Send for ContiguousPages {}

// SAFETY: Shared references only read the fields.
unsafe impl Sync for ContiguousPages {}

impl ContiguousPages {
    /// Allocates `size` bytes of zeroes; `size` must not be 0.
    pub(super) fn alloc<D: Direction>(
        dev: DmaDevice<'_>,
        size: usize,
        gfp: Gfp,
    ) -> Result<Allocation<Self>> {
        let line = ledger::Line::new()?;
        let mut dma: DmaAddress = 0;
        // Zeroed before the mapping, too: the C function zeroes after it, and a bounce buffer would have
        // a copy of the old contents.
        let gfp = gfp.as_raw() | bindings::__GFP_ZERO;
        // SAFETY: `dev` is bound, and has a mask, because its limits were set.
        let page = unsafe { bindings::dma_alloc_pages(dev.as_raw(), size, &mut dma, D::RAW, gfp) };
        // Behind an IOMMU, the function maps the pages like any others.
        let page = NonNull::new(page)
            .ok_or_else(|| refusal::reason_of_allocation(dev, dev.mask(), size))?;
        // SAFETY: The pages are in the linear mapping, because no flag asks for high memory.
        let cpu = unsafe { ffi::page_address(page.as_ptr()) };
        let memory = Self { page, dma };
        line.enter(dev.as_raw(), || memory.entry(size, D::RAW));

        Ok(Allocation {
            memory,
            cpu: NonNull::new(cpu).ok_or(ENOMEM)?,
            size: whole_pages(size),
        })
    }
}

impl ContiguousPages {
    fn entry(&self, size: usize, direction: bindings::dma_data_direction) -> ledger::Entry {
        ledger::Entry::Pages {
            size,
            page: self.page,
            dma: self.dma,
            direction,
        }
    }
}

impl private::Backend for ContiguousPages {
    #[inline]
    fn dma_address(&self) -> DmaAddress {
        self.dma
    }

    unsafe fn sync_for_device(&self, place: &Place) {
        // SAFETY: `Backend`: the pages are mapped at this place, for a device that is bound.
        unsafe {
            bindings::__dma_sync_single_for_device(place.dev, self.dma, place.size, place.direction)
        };
    }

    unsafe fn sync_for_cpu(&self, place: &Place) {
        // SAFETY: `Backend`: the pages are mapped at this place, for a device that is bound.
        unsafe {
            bindings::__dma_sync_single_for_cpu(place.dev, self.dma, place.size, place.direction)
        };
    }

    unsafe fn free(self, place: &Place) {
        ledger::strike(place.dev, || self.entry(place.size, place.direction));
        // SAFETY: `Backend`: the pages are allocated at this place and unused, and this may sleep.
        unsafe {
            bindings::dma_free_pages(
                place.dev,
                place.size,
                self.page.as_ptr(),
                self.dma,
                place.direction,
            )
        };
    }

    unsafe fn mmap(&self, place: &Place, vma: *mut bindings::vm_area_struct) -> c_int {
        // SAFETY: `Backend`: the pages are allocated at this place, and `vma` is under initialisation.
        unsafe { bindings::dma_mmap_pages(place.dev, vma, place.size, self.page.as_ptr()) }
    }
}

/// Noncontiguous pages, allocated by `dma_alloc_noncontiguous()`.
#[derive(Clone, Copy)]
pub struct NoncontiguousPages {
    table: NonNull<bindings::sg_table>,
}

// SAFETY: Any thread may use and free the table.
unsafe impl Send for NoncontiguousPages {}

// SAFETY: Shared references only read the table.
unsafe impl Sync for NoncontiguousPages {}

impl NoncontiguousPages {
    /// Allocates `size` bytes of zeroes, and maps them for the CPU; `size` must not be 0.
    pub(super) fn alloc<D: Direction>(dev: DmaDevice<'_>, size: usize) -> Result<Allocation<Self>> {
        let line = ledger::Line::new()?;
        // The IOMMU code does not zero the pages.
        let gfp = Gfp::Kernel.as_raw() | bindings::__GFP_ZERO;
        // SAFETY: `dev` is bound, and has a mask, because its limits were set.
        let table =
            unsafe { bindings::dma_alloc_noncontiguous(dev.as_raw(), size, D::RAW, gfp, 0) };
        let table = NonNull::new(table)
            .ok_or_else(|| refusal::reason_of_allocation(dev, dev.coherent_mask(), size))?;

        // SAFETY: The memory was allocated above, with this size.
        let cpu = unsafe { bindings::dma_vmap_noncontiguous(dev.as_raw(), size, table.as_ptr()) };
        let Some(cpu) = NonNull::new(cpu) else {
            // SAFETY: Allocated above with these arguments, and not used.
            unsafe { bindings::dma_free_noncontiguous(dev.as_raw(), size, table.as_ptr(), D::RAW) };
            return Err(ENOMEM);
        };

        line.enter(dev.as_raw(), || Self::entry(table, cpu, size, D::RAW));

        Ok(Allocation {
            memory: Self { table },
            cpu,
            size: whole_pages(size),
        })
    }
}

impl NoncontiguousPages {
    fn entry(
        table: NonNull<bindings::sg_table>,
        cpu: NonNull<c_void>,
        size: usize,
        direction: bindings::dma_data_direction,
    ) -> ledger::Entry {
        ledger::Entry::Noncontiguous {
            size,
            table,
            cpu,
            direction,
        }
    }
}

impl private::Backend for NoncontiguousPages {
    #[inline]
    fn dma_address(&self) -> DmaAddress {
        // SAFETY: The table has at least one entry, and is mapped to one segment.
        unsafe { bindings::sg_dma_address((*self.table.as_ptr()).sgl) }
    }

    unsafe fn sync_for_device(&self, place: &Place) {
        // SAFETY: `Backend`: the table is mapped at this place, for a device that is bound. The writes
        // through the `vmap()` are flushed first, for caches that are indexed by virtual addresses.
        unsafe {
            let table = self.table.as_ref();
            ffi::flush_vmap(place.cpu.as_ptr(), place.size);
            bindings::__dma_sync_sg_for_device(
                place.dev,
                table.sgl,
                // CAST: The C API counts in `int`.
                table.orig_nents as c_int,
                place.direction,
            );
        }
    }

    unsafe fn sync_for_cpu(&self, place: &Place) {
        // SAFETY: `Backend`: the table is mapped at this place, for a device that is bound.
        unsafe {
            let table = self.table.as_ref();
            bindings::__dma_sync_sg_for_cpu(
                place.dev,
                table.sgl,
                // CAST: The C API counts in `int`.
                table.orig_nents as c_int,
                place.direction,
            );
            ffi::invalidate_vmap(place.cpu.as_ptr(), place.size);
        }
    }

    unsafe fn free(self, place: &Place) {
        let table = self.table.as_ptr();

        ledger::strike(place.dev, || {
            Self::entry(self.table, place.cpu, place.size, place.direction)
        });
        // SAFETY: `Backend`: the pages at this place and their `vmap()` are unused, and this may sleep.
        unsafe {
            bindings::dma_vunmap_noncontiguous(place.dev, place.cpu.as_ptr());
            bindings::dma_free_noncontiguous(place.dev, place.size, table, place.direction);
        }
    }

    unsafe fn mmap(&self, place: &Place, vma: *mut bindings::vm_area_struct) -> c_int {
        // SAFETY: `Backend`: the pages are allocated at this place, and `vma` is under initialisation.
        unsafe { bindings::dma_mmap_noncontiguous(place.dev, vma, place.size, self.table.as_ptr()) }
    }
}

/// Memory with its place. Dropping this frees nothing.
pub struct Free<M: Memory>(pub(super) M, pub(super) Place);

// SAFETY: Any thread may free either kind of memory.
unsafe impl<M: Memory> Send for Free<M> {}

impl<M: Memory> Free<M> {
    /// Frees the memory.
    ///
    /// # Safety
    ///
    /// The memory must be allocated at this place, and nobody may use it any more. The caller must be in
    /// a context that may sleep, and the device must be bound.
    pub(crate) unsafe fn free(self) {
        // SAFETY: The caller guarantees what `Backend::free` requires.
        unsafe { self.0.free(&self.1) };
    }
}
