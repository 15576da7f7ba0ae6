// SPDX-License-Identifier: GPL-2.0

//! Leak tracking: a list of what is mapped and allocated, with `CONFIG_DMA_API_DEBUG` only.
//!
//! A handle that is leaked (`mem::forget()`, a cycle of `Arc`s) or quarantined leaves its memory
//! allocated and mapped for good. That makes it harmless, and on most kernels nothing else happens.
//! With `CONFIG_DMA_API_DEBUG`, the kernel complains of it when a PCI function is unbound. No C
//! function takes an entry off the kernel's list without releasing the memory. So this module releases
//! the memory at the end of a PCI function's binding, when:
//!
//! 1. The driver does not use it any more. The driver's data is dropped, gates are closed, deferred
//!    work is done, and borrows from a leaked handle had the lifetime of the binding.
//! 2. The device has no access to it. Its bus mastering is disabled first, which is also the last
//!    resort for [`Engine::quiesce`](crate::Engine::quiesce), and a read waits for its outstanding
//!    writes. A driver that enables bus mastering in a later binding guarantees that the device does
//!    not go on with an old command ([`Engine`](crate::Engine)).
//! 3. Processes have no mapping of it. Those of a leaked [`Mmap`](crate::Mmap) are revoked.
//!
//! Mappings are unmapped and allocations freed. The buffers that a mapping owned stay leaked. On other
//! buses the kernel does not complain, bus mastering cannot be disabled, and nothing is released.
//!
//! The cost is an allocation and a lock for each mapping, as for DMA debugging. Without
//! `CONFIG_DMA_API_DEBUG` no list is kept, and an [`Entry`] only frees memory that has no handle.

#[cfg(CONFIG_DMA_API_DEBUG)]
mod list;

use super::region::Region;
use core::ptr::NonNull;
use kernel::{
    bindings,
    dma::DmaAddress,
    prelude::*,
    sync::Arc, //
};

/// A mapping or allocation: the arguments of the C function that releases it. Dropping this releases
/// nothing.
#[derive(Clone)]
#[cfg_attr(not(CONFIG_DMA_API_DEBUG), allow(dead_code, reason = "nobody looks"))]
pub enum Entry {
    /// A mapping of one piece: `dma_unmap_phys()`.
    Phys {
        address: DmaAddress,
        size: usize,
        direction: bindings::dma_data_direction,
        attrs: c_ulong,
    },
    /// A mapped table, which is not freed while it is listed: `dma_unmap_sg_attrs()`.
    Table {
        sgl: *mut bindings::scatterlist,
        entries: c_int,
        direction: bindings::dma_data_direction,
        attrs: c_ulong,
    },
    /// Coherent memory: `dma_free_attrs()`.
    Coherent {
        size: usize,
        cpu: *mut c_void,
        dma: DmaAddress,
        attrs: c_ulong,
    },
    /// Contiguous pages: `dma_free_pages()`.
    Pages {
        size: usize,
        page: NonNull<bindings::page>,
        dma: DmaAddress,
        direction: bindings::dma_data_direction,
    },
    /// Noncontiguous pages and their CPU address: `dma_free_noncontiguous()`.
    Noncontiguous {
        size: usize,
        table: NonNull<bindings::sg_table>,
        cpu: NonNull<c_void>,
        direction: bindings::dma_data_direction,
    },
    /// A pool: `dma_pool_destroy()`.
    Pool { pool: NonNull<bindings::dma_pool> },
    /// A block of a pool: `dma_pool_free()`.
    Block {
        pool: NonNull<bindings::dma_pool>,
        cpu: NonNull<c_void>,
        dma: DmaAddress,
    },
    /// Memory that processes have mapped.
    Region(Arc<Region>),
}

// SAFETY: The pointers are only compared, or passed to the C functions that release, which any thread
// may call.
unsafe impl Send for Entry {}

impl Entry {
    /// Takes this off the list, and releases what was mapped or allocated for `dev`.
    ///
    /// Context: that of the C function.
    ///
    /// # Safety
    ///
    /// These must be the arguments of a mapping or an allocation for `dev`, which is bound. It must not
    /// be released yet, and nothing may use it any more.
    #[inline(always)]
    pub(crate) unsafe fn release(self, dev: *mut bindings::device) {
        remove(dev, &self);
        // SAFETY: By the preconditions of this function.
        unsafe { self.give_back(dev) };
    }

    /// Releases what was mapped or allocated for `dev`, and is not listed any more.
    ///
    /// # Safety
    ///
    /// That of [`release`](Self::release).
    #[inline(always)]
    unsafe fn give_back(&self, dev: *mut bindings::device) {
        // SAFETY: Each function gets the arguments of its map or allocation for `dev`, which is not
        // released yet and is unused (function precondition).
        unsafe {
            match *self {
                Self::Phys {
                    address,
                    size,
                    direction,
                    attrs,
                } => bindings::dma_unmap_phys(dev, address, size, direction, attrs),
                Self::Table {
                    sgl,
                    entries,
                    direction,
                    attrs,
                } => bindings::dma_unmap_sg_attrs(dev, sgl, entries, direction, attrs),
                Self::Coherent {
                    size,
                    cpu,
                    dma,
                    attrs,
                } => bindings::dma_free_attrs(dev, size, cpu, dma, attrs),
                Self::Pages {
                    size,
                    page,
                    dma,
                    direction,
                } => bindings::dma_free_pages(dev, size, page.as_ptr(), dma, direction),
                Self::Noncontiguous {
                    size,
                    table,
                    cpu,
                    direction,
                } => {
                    bindings::dma_vunmap_noncontiguous(dev, cpu.as_ptr());
                    bindings::dma_free_noncontiguous(dev, size, table.as_ptr(), direction);
                }
                Self::Pool { pool } => bindings::dma_pool_destroy(pool.as_ptr()),
                Self::Block { pool, cpu, dma } => {
                    bindings::dma_pool_free(pool.as_ptr(), cpu.as_ptr(), dma)
                }
                // `release_all` revokes regions.
                Self::Region(_) => (),
            }
        }
    }
}

/// Removes an entry whose memory is about to be released.
///
/// Context: any.
#[inline(always)]
pub(crate) fn untrack(dev: *mut bindings::device, entry: impl FnOnce() -> Entry) {
    if cfg!(CONFIG_DMA_API_DEBUG) {
        remove(dev, &entry());
    }
}

#[cfg(CONFIG_DMA_API_DEBUG)]
use self::list::remove;
#[cfg(CONFIG_DMA_API_DEBUG)]
pub(crate) use self::list::{
    init,
    release_all,
    ListNode, //
};

#[cfg(not(CONFIG_DMA_API_DEBUG))]
mod nothing {
    use super::*;

    /// Initialises nothing: there is no list.
    pub(crate) fn init() {}

    /// A list entry, which is not needed.
    pub(crate) struct ListNode;

    impl ListNode {
        #[inline(always)]
        pub(crate) fn new() -> Result<Self> {
            Ok(Self)
        }

        /// # Safety
        ///
        /// That of `ListNode::add` in `list.rs`.
        #[inline(always)]
        pub(crate) unsafe fn add(
            self,
            _dev: *mut bindings::device,
            _entry: impl FnOnce() -> Entry,
        ) {
        }
    }

    #[inline(always)]
    pub(super) fn remove(_dev: *mut bindings::device, _entry: &Entry) {}

    /// # Safety
    ///
    /// That of `release_all` in `list.rs`.
    #[inline(always)]
    pub(crate) unsafe fn release_all(_dev: *mut bindings::device) {}
}

#[cfg(not(CONFIG_DMA_API_DEBUG))]
use self::nothing::remove;
#[cfg(not(CONFIG_DMA_API_DEBUG))]
pub(crate) use self::nothing::{
    init,
    release_all,
    ListNode, //
};
