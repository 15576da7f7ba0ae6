// SPDX-License-Identifier: GPL-2.0

//! Contiguous and noncontiguous pages for streaming: the calls of the C API.

use self::private::PagesBackend as _;
use crate::{
    device::{
        counts::Kind,
        refusal,
        DmaDevice, //
    },
    direction::Direction,
    gfp::Gfp,
    handle::Receiver,
    sys::{
        ffi,
        leak_tracking::{
            self,
            Entry, //
        },
    },
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    dma::DmaAddress,
    prelude::*, //
};

/// The arguments of the C API's functions that an allocation does not return.
#[derive(Clone, Copy)]
pub struct AllocArgs {
    pub(in crate::mem) dev: *mut bindings::device,
    pub(in crate::mem) cpu: NonNull<c_void>,
    pub(in crate::mem) size: usize,
    pub(in crate::mem) direction: bindings::dma_data_direction,
}

pub(in crate::mem) mod private {
    use super::*;

    /// The operations on an allocation.
    ///
    /// `args` must be the one that the memory was allocated for, and its device must be bound.
    pub trait PagesBackend: Copy + 'static {
        /// What a handle of this memory is called where it is counted.
        const KIND: Kind;

        fn dma_address(&self) -> DmaAddress;

        /// Returns the memory as what frees it: where it may sleep, or where contiguous pages were
        /// allocated.
        fn entry(&self, args: &AllocArgs) -> Entry;

        /// # Safety
        ///
        /// See [`PagesBackend`].
        unsafe fn sync<R: Receiver>(&self, args: &AllocArgs);

        /// # Safety
        ///
        /// See [`PagesBackend`]. `vma` must be under initialisation, and map nothing yet.
        unsafe fn mmap(&self, args: &AllocArgs, vma: *mut bindings::vm_area_struct) -> c_int;
    }
}

/// A kind of memory: [`ContiguousPages`] or [`NoncontiguousPages`].
pub trait StreamingPages: private::PagesBackend {}
impl StreamingPages for ContiguousPages {}
impl StreamingPages for NoncontiguousPages {}

/// Contiguous pages, allocated by `dma_alloc_pages()`.
#[derive(Clone, Copy)]
pub struct ContiguousPages {
    page: NonNull<bindings::page>,
    dma: DmaAddress,
}

impl ContiguousPages {
    /// Allocates `size` bytes of zeroes; `size` must not be 0.
    pub(in crate::mem) fn alloc(
        dev: DmaDevice<'_>,
        size: usize,
        direction: bindings::dma_data_direction,
        gfp: Gfp,
    ) -> Result<(Self, AllocArgs)> {
        let tracked = leak_tracking::ListNode::new()?;
        let mut dma: DmaAddress = 0;
        // Zeroed before the mapping, too: the C function zeroes after it, and a bounce buffer would have
        // a copy of the old contents.
        let gfp = gfp.as_raw() | bindings::__GFP_ZERO;
        // SAFETY: `dev` is bound, and has a mask, because its limits were set.
        let page =
            unsafe { bindings::dma_alloc_pages(dev.as_raw(), size, &mut dma, direction, gfp) };
        // Behind an IOMMU, the function maps the pages like any others.
        let page = NonNull::new(page)
            .ok_or_else(|| refusal::reason_of_allocation(dev, dev.mask(), size))?;
        // SAFETY: The pages are in the linear mapping, because no flag asks for high memory.
        let cpu = unsafe { ffi::page_address(page.as_ptr()) };
        let pages = Self { page, dma };
        let args = AllocArgs {
            dev: dev.as_raw(),
            // The linear mapping does not begin at NULL.
            cpu: NonNull::new(cpu).ok_or(ENOMEM)?,
            size,
            direction,
        };
        // SAFETY: Allocated above with these arguments. What releases it untracks it first.
        unsafe { tracked.add(dev.as_raw(), || pages.entry(&args)) };
        Ok((pages, args))
    }
}

impl private::PagesBackend for ContiguousPages {
    const KIND: Kind = Kind::PAGES;

    #[inline]
    fn dma_address(&self) -> DmaAddress {
        self.dma
    }

    #[inline]
    fn entry(&self, args: &AllocArgs) -> Entry {
        Entry::Pages {
            size: args.size,
            page: self.page,
            dma: self.dma,
            direction: args.direction,
        }
    }

    unsafe fn sync<R: Receiver>(&self, args: &AllocArgs) {
        // SAFETY: `PagesBackend`: the pages are mapped at this place, for a device that is bound.
        unsafe { (R::SYNC_SINGLE)(args.dev, self.dma, args.size, args.direction) };
    }

    unsafe fn mmap(&self, args: &AllocArgs, vma: *mut bindings::vm_area_struct) -> c_int {
        // SAFETY: `PagesBackend`: the pages are allocated at this place, and `vma` is under initialisation.
        unsafe { bindings::dma_mmap_pages(args.dev, vma, args.size, self.page.as_ptr()) }
    }
}

/// Noncontiguous pages, allocated by `dma_alloc_noncontiguous()`.
#[derive(Clone, Copy)]
pub struct NoncontiguousPages {
    table: NonNull<bindings::sg_table>,
}

impl NoncontiguousPages {
    /// Allocates `size` bytes of zeroes, and maps them for the CPU; `size` must not be 0.
    pub(in crate::mem) fn alloc<D: Direction>(
        dev: DmaDevice<'_>,
        size: usize,
    ) -> Result<(Self, AllocArgs)> {
        let tracked = leak_tracking::ListNode::new()?;
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

        let memory = Self { table };
        let args = AllocArgs {
            dev: dev.as_raw(),
            cpu,
            size,
            direction: D::RAW,
        };
        // SAFETY: Allocated above with these arguments. What releases it untracks it first.
        unsafe { tracked.add(dev.as_raw(), || memory.entry(&args)) };
        Ok((memory, args))
    }
}

impl private::PagesBackend for NoncontiguousPages {
    const KIND: Kind = Kind::NONCONTIGUOUS;

    #[inline]
    fn dma_address(&self) -> DmaAddress {
        // SAFETY: The table has at least one entry, and is mapped to one segment.
        unsafe { bindings::sg_dma_address((*self.table.as_ptr()).sgl) }
    }

    #[inline]
    fn entry(&self, args: &AllocArgs) -> Entry {
        Entry::Noncontiguous {
            size: args.size,
            table: self.table,
            cpu: args.cpu,
            direction: args.direction,
        }
    }

    unsafe fn sync<R: Receiver>(&self, args: &AllocArgs) {
        // SAFETY: `PagesBackend`: the table is mapped at this place, for a device that is bound. The writes
        // through the `vmap()` are flushed first, for caches that are indexed by virtual addresses.
        unsafe {
            let table = self.table.as_ref();
            if R::IS_DEVICE {
                ffi::flush_vmap(args.cpu.as_ptr(), args.size);
            }
            // CAST: The C API counts in `int`.
            (R::SYNC_SG)(
                args.dev,
                table.sgl,
                table.orig_nents as c_int,
                args.direction,
            );
            if !R::IS_DEVICE {
                ffi::invalidate_vmap(args.cpu.as_ptr(), args.size);
            }
        }
    }

    unsafe fn mmap(&self, args: &AllocArgs, vma: *mut bindings::vm_area_struct) -> c_int {
        // SAFETY: `PagesBackend`: the pages are allocated at this place, and `vma` is under initialisation.
        unsafe { bindings::dma_mmap_noncontiguous(args.dev, vma, args.size, self.table.as_ptr()) }
    }
}
