// SPDX-License-Identifier: GPL-2.0

//! What is mapped and allocated, on kernels whose DMA debugging keeps such a list too.
//!
//! A handle that is leaked (`mem::forget()`, a cycle of `Arc`s), or quarantined, leaves its memory
//! allocated and mapped for good. That is what makes it harmless, and is all there is to it on
//! most kernels. With `CONFIG_DMA_API_DEBUG`, the kernel complains of it when a PCI function is
//! unbound. No C function takes an entry off its list without releasing what it stands for, so
//! that is what happens here, when a PCI function's binding ends with something left:
//!
//! 1. Nobody has a use for it any more. The driver's data is gone, gates are closed, what was put
//!    off is done, and whatever was borrowed from a leaked handle had the lifetime of the binding.
//! 2. The device has no access to it: its bus mastering is switched off first, which is the means of
//!    last resort for [`Engine::quiesce`](crate::Engine::quiesce) too, and a read waits for what was
//!    under way. Who switches it on again, in another binding, vouches that the device does not go on
//!    with an old command ([`Engine`](crate::Engine)).
//! 3. Processes have no mapping of it: those of a leaked [`Mmap`](crate::Mmap) are taken away.
//!
//! Mappings are ended and allocations freed, and the buffers that a mapping owned stay leaked. On
//! other buses the kernel does not look, there is no such switch, and nothing is released.
//!
//! The price is an allocation and a lock for each mapping, as DMA debugging has it. Without
//! `CONFIG_DMA_API_DEBUG` nothing is kept, and nothing of this is compiled.

#[cfg(CONFIG_DMA_API_DEBUG)]
mod entries;

use super::region::Region;
use core::ptr::NonNull;
use kernel::{
    bindings,
    dma::DmaAddress,
    prelude::*,
    sync::Arc, //
};

/// Something that is to be given back: the arguments of the C function that does it.
#[cfg_attr(not(CONFIG_DMA_API_DEBUG), allow(dead_code, reason = "nobody looks"))]
pub(crate) enum Entry {
    /// A mapping of one piece: `dma_unmap_phys()`.
    Phys {
        address: DmaAddress,
        size: usize,
        direction: bindings::dma_data_direction,
        attrs: c_ulong,
    },
    /// A table that is mapped, and that is not freed while this is listed: `dma_unmap_sg_attrs()`.
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
    /// Pages from anywhere, and where the CPU has them: `dma_free_noncontiguous()`.
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

#[cfg(CONFIG_DMA_API_DEBUG)]
pub(crate) use self::entries::{
    settle,
    strike,
    Line,
    Owner, //
};

#[cfg(not(CONFIG_DMA_API_DEBUG))]
mod nothing {
    use super::*;

    /// The ledger, which is not kept.
    pub(crate) struct Owner;

    impl Owner {
        pub(crate) fn new() -> Self {
            Self
        }
    }

    /// A line of the ledger, of which there are none.
    pub(crate) struct Line;

    impl Line {
        #[inline(always)]
        pub(crate) fn new() -> Result<Self> {
            Ok(Self)
        }

        #[inline(always)]
        pub(crate) fn enter(self, _dev: *mut bindings::device, _entry: impl FnOnce() -> Entry) {}
    }

    #[inline(always)]
    pub(crate) fn strike(_dev: *mut bindings::device, _entry: impl FnOnce() -> Entry) {}

    /// # Safety
    ///
    /// That of its twin, which gives something back.
    #[inline(always)]
    pub(crate) unsafe fn settle(_dev: *mut bindings::device) {}
}

#[cfg(not(CONFIG_DMA_API_DEBUG))]
pub(crate) use self::nothing::{
    settle,
    strike,
    Line,
    Owner, //
};
