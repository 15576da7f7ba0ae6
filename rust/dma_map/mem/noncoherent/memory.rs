// SPDX-License-Identifier: GPL-2.0

//! The two kinds of memory for streaming, as the C API has them.

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

/// What the C API wants to know of memory beside what it returned.
#[derive(Clone, Copy)]
pub struct Place {
    pub(super) dev: *mut bindings::device,
    pub(super) cpu: NonNull<c_void>,
    pub(super) size: usize,
    pub(super) direction: bindings::dma_data_direction,
}

mod private {
    use super::*;

    /// What both kinds of memory can do.
    ///
    /// The functions are called with the place that the memory was allocated for, bound.
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
        /// See [`Backend`]; once, in a context that may sleep, when nobody uses the memory.
        unsafe fn free(self, place: &Place);

        /// # Safety
        ///
        /// See [`Backend`]; `vma` must be undergoing initialisation, and map nothing yet.
        unsafe fn mmap(&self, place: &Place, vma: *mut bindings::vm_area_struct) -> c_int;
    }
}

/// A kind of memory: [`ContiguousPages`] or [`NoncontiguousPages`].
pub trait Memory: private::Backend {}
impl Memory for ContiguousPages {}
impl Memory for NoncontiguousPages {}

/// Memory that was just allocated, where the CPU finds it, and its size in whole pages.
pub(super) struct Allocation<M> {
    pub(super) memory: M,
    pub(super) cpu: NonNull<c_void>,
    pub(super) size: usize,
}

/// Rounds up to whole pages; the caller has seen that this does not overflow.
#[inline]
fn whole_pages(size: usize) -> usize {
    size.wrapping_add(PAGE_SIZE - 1) & !(PAGE_SIZE - 1)
}

/// Contiguous pages, of `dma_alloc_pages()`.
#[derive(Clone, Copy)]
pub struct ContiguousPages {
    page: NonNull<bindings::page>,
    dma: DmaAddress,
}

// SAFETY: Pages are not tied to a thread.
unsafe impl Send for ContiguousPages {}

// SAFETY: Shared references only read the fields.
unsafe impl Sync for ContiguousPages {}

impl ContiguousPages {
    /// Allocates `size` bytes of zeroes, not 0.
    pub(super) fn alloc<D: Direction>(
        dev: DmaDevice<'_>,
        size: usize,
        gfp: Gfp,
    ) -> Result<Allocation<Self>> {
        let line = ledger::Line::new()?;
        let mut dma: DmaAddress = 0;
        // Zeroed before they are mapped, too: the function does it afterwards, and what bounces at
        // once has the pages as they were.
        let gfp = gfp.as_raw() | bindings::__GFP_ZERO;
        // SAFETY: `dev` is bound; a device whose limits were applied has a mask.
        let page = unsafe { bindings::dma_alloc_pages(dev.as_raw(), size, &mut dma, D::RAW, gfp) };
        // Behind an IOMMU, the function maps them as any others.
        let page = NonNull::new(page)
            .ok_or_else(|| refusal::reason_of_allocation(dev, dev.mask(), size))?;
        // SAFETY: The pages are in the linear mapping: no flag asks for high memory.
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
        // SAFETY: By the safety requirements of this function.
        unsafe {
            bindings::__dma_sync_single_for_device(place.dev, self.dma, place.size, place.direction)
        };
    }

    unsafe fn sync_for_cpu(&self, place: &Place) {
        // SAFETY: By the safety requirements of this function.
        unsafe {
            bindings::__dma_sync_single_for_cpu(place.dev, self.dma, place.size, place.direction)
        };
    }

    unsafe fn free(self, place: &Place) {
        ledger::strike(place.dev, || self.entry(place.size, place.direction));
        // SAFETY: By the safety requirements of this function.
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
        // SAFETY: By the safety requirements of this function.
        unsafe { bindings::dma_mmap_pages(place.dev, vma, place.size, self.page.as_ptr()) }
    }
}

/// Pages from anywhere, of `dma_alloc_noncontiguous()`.
#[derive(Clone, Copy)]
pub struct NoncontiguousPages {
    table: NonNull<bindings::sg_table>,
}

// SAFETY: The table is not tied to a thread.
unsafe impl Send for NoncontiguousPages {}

// SAFETY: Shared references only read the table.
unsafe impl Sync for NoncontiguousPages {}

impl NoncontiguousPages {
    /// Allocates `size` bytes of zeroes, not 0, and maps them for the CPU.
    pub(super) fn alloc<D: Direction>(dev: DmaDevice<'_>, size: usize) -> Result<Allocation<Self>> {
        let line = ledger::Line::new()?;
        // The IOMMU code does not zero pages by itself.
        let gfp = Gfp::Kernel.as_raw() | bindings::__GFP_ZERO;
        // SAFETY: `dev` is bound; a device whose limits were applied has a mask.
        let table =
            unsafe { bindings::dma_alloc_noncontiguous(dev.as_raw(), size, D::RAW, gfp, 0) };
        let table = NonNull::new(table)
            .ok_or_else(|| refusal::reason_of_allocation(dev, dev.coherent_mask(), size))?;

        // SAFETY: The memory was allocated above, with this size.
        let cpu = unsafe { bindings::dma_vmap_noncontiguous(dev.as_raw(), size, table.as_ptr()) };
        let Some(cpu) = NonNull::new(cpu) else {
            // SAFETY: Nobody uses the memory.
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
        // SAFETY: The table has at least one entry, and one segment for the device.
        unsafe { bindings::sg_dma_address((*self.table.as_ptr()).sgl) }
    }

    unsafe fn sync_for_device(&self, place: &Place) {
        // SAFETY: By the safety requirements of this function. What the CPU wrote through its own
        // mapping is flushed first, for caches that are indexed by virtual addresses.
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
        // SAFETY: By the safety requirements of this function. See `sync_for_device`.
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
        // SAFETY: By the safety requirements of this function.
        unsafe {
            bindings::dma_vunmap_noncontiguous(place.dev, place.cpu.as_ptr());
            bindings::dma_free_noncontiguous(place.dev, place.size, table, place.direction);
        }
    }

    unsafe fn mmap(&self, place: &Place, vma: *mut bindings::vm_area_struct) -> c_int {
        // SAFETY: By the safety requirements of this function.
        unsafe { bindings::dma_mmap_noncontiguous(place.dev, vma, place.size, self.table.as_ptr()) }
    }
}

/// Memory with its place; nothing is freed when this is dropped.
pub struct Free<M: Memory>(pub(super) M, pub(super) Place);

// SAFETY: Both kinds of memory may be freed by any thread.
unsafe impl<M: Memory> Send for Free<M> {}

impl<M: Memory> Free<M> {
    /// Frees the memory.
    ///
    /// # Safety
    ///
    /// It must be allocated at this place, and not be used any more, by anyone. The caller must be
    /// in a context that may sleep, and the device bound.
    pub(crate) unsafe fn free(self) {
        // SAFETY: By the safety requirements of this function.
        unsafe { self.0.free(&self.1) };
    }
}
