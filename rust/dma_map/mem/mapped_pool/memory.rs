// SPDX-License-Identifier: GPL-2.0

//! Memory of a mapped pool: the calls of the C API.

use super::{
    super::noncoherent::memory::{
        private::PagesBackend as _,
        AllocArgs,
        ContiguousPages, //
    },
    layout::Layout, //
};
use crate::{
    device::{
        refusal,
        DmaDevice, //
    },
    gfp::Gfp,
    model::sync_attrs::{
        UnmapAttrs,
        MAPPED_FOR_CPU, //
    },
    sys::{
        chunk::Chunk,
        ffi,
        leak_tracking::{
            self,
            Entry, //
        },
        linear, //
    },
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    dma::DmaAddress,
    page::PAGE_SIZE,
    prelude::*, //
};

/// Pages that are mapped for a device.
///
/// # Invariants
///
/// This value owns `pages`. If they are `on_node`, they were mapped by `dma_map_phys()` at their place,
/// and not by `dma_alloc_pages()`.
pub(super) struct ChunkMemory {
    pages: ContiguousPages,
    args: AllocArgs,
    on_node: bool,
}

/// Returns the page order for `size` bytes; `size` must not be 0.
fn order(size: usize) -> u32 {
    let pages = size.div_ceil(PAGE_SIZE);

    usize::BITS.wrapping_sub(pages.wrapping_sub(1).leading_zeros())
}

impl ChunkMemory {
    /// Allocates a zeroed chunk, and maps it.
    ///
    /// # Errors
    ///
    /// - `ENOMEM`.
    /// - `EIO`: always out of the device's reach, by either mask, or across its `segment_boundary`.
    pub(super) fn alloc(
        dev: DmaDevice<'_>,
        layout: &Layout,
        direction: bindings::dma_data_direction,
        gfp: Gfp,
    ) -> Result<Self> {
        let size = layout.chunk_size;
        // INVARIANT: Each allocates and maps.
        let ((pages, args), on_node) = match layout.node {
            None => (ContiguousPages::alloc(dev, size, direction, gfp)?, false),
            Some(node) => (Self::alloc_on_node(dev, size, direction, gfp, node)?, true),
        };
        let this = Self {
            pages,
            args,
            on_node,
        };

        // `dma_alloc_pages()` checks the mask for coherent memory.
        if !dev.takes_address(this.dma(), size) {
            // SAFETY: Allocated above, in this context, and not used.
            unsafe { this.free() };
            return Err(EIO);
        }
        Ok(this)
    }

    /// Allocates on another node, and maps the pages.
    fn alloc_on_node(
        dev: DmaDevice<'_>,
        size: usize,
        direction: bindings::dma_data_direction,
        gfp: Gfp,
        node: u32,
    ) -> Result<(ContiguousPages, AllocArgs)> {
        let tracked = leak_tracking::ListNode::new()?;
        let mut attrs = bindings::DMA_ATTR_NO_WARN;
        // See `Mapped::map()`.
        if cfg!(CONFIG_DMA_API_DEBUG) && dev.cache_alignment() == 1 {
            attrs |= bindings::DMA_ATTR_DEBUGGING_IGNORE_CACHELINES;
        }

        let gfp = gfp.as_raw() | bindings::__GFP_ZERO;
        // CAST: `Layout` has checked that the node is online, so the number fits.
        //
        // SAFETY: The function has no other preconditions.
        let page = unsafe { bindings::alloc_pages_node_noprof(node as c_int, gfp, order(size)) };
        let page = NonNull::new(page).ok_or(ENOMEM)?;

        let chunk = Chunk {
            // SAFETY: Allocated above, so this is a valid page.
            phys: unsafe { linear::page_phys(page.as_ptr()) },
            len: size as u64,
        };
        // CAST: `unsigned long` has at least 32 bits.
        let dma = Self::map(dev, chunk, direction, attrs as c_ulong | MAPPED_FOR_CPU).inspect_err(
            |_| {
                // SAFETY: Allocated above with this order, and not mapped.
                unsafe { bindings::__free_pages(page.as_ptr(), order(size)) }
            },
        )?;
        // SAFETY: The pages are in the linear mapping, because no flag asks for high memory.
        let (pages, args) = unsafe { ContiguousPages::placed(dev, page, dma, size, direction) }?;
        // SAFETY: Allocated above with these arguments. What releases it untracks it first.
        unsafe { tracked.add(dev.as_raw(), || Self::mapping(&pages, &args)) };
        Ok((pages, args))
    }

    /// Maps pages that were allocated for a pool.
    fn map(
        dev: DmaDevice<'_>,
        chunk: Chunk,
        direction: bindings::dma_data_direction,
        attrs: c_ulong,
    ) -> Result<DmaAddress> {
        if chunk.last() > dev.constraints().limit {
            refusal::check(dev, chunk, direction, attrs)?;
        }

        // SAFETY: `dev` is bound, and has a mask. The CPU owns the pages until they are synced.
        //
        // CAST: The length was a `usize`.
        let dma = unsafe {
            bindings::dma_map_phys(
                dev.as_raw(),
                chunk.phys,
                chunk.len as usize,
                direction,
                attrs,
            )
        };
        // SAFETY: `dev` is bound.
        if unsafe { ffi::mapping_error(dev.as_raw(), dma) } {
            return Err(refusal::reason(dev, chunk, direction, attrs, ENOMEM));
        }
        Ok(dma)
    }

    /// Returns the address for the CPU.
    pub(super) fn cpu(&self) -> NonNull<c_void> {
        self.args.cpu
    }

    /// Returns the address for the device.
    pub(super) fn dma(&self) -> DmaAddress {
        self.pages.dma_address()
    }

    /// Returns the mapping of pages on a node as what unmaps it.
    fn mapping(pages: &ContiguousPages, args: &AllocArgs) -> Entry {
        Entry::Phys {
            address: pages.dma_address(),
            size: args.size,
            direction: args.direction,
            attrs: UnmapAttrs::UNREAD.with(0),
        }
    }

    /// Unmaps and frees the memory.
    ///
    /// # Safety
    ///
    /// Its device must be bound. Nobody may use the memory any more. The context must be one that may
    /// sleep, or the one that allocated the memory.
    pub(super) unsafe fn free(self) {
        let Self { pages, args, .. } = &self;

        // SAFETY: By the type invariants this owns the memory, and these are the arguments of its
        // allocation, or of its mapping and then of its allocation. The caller guarantees that nobody uses
        // it, that the device is bound, and that the context is a legal one.
        unsafe {
            if self.on_node {
                Self::mapping(pages, args).release(args.dev);
                bindings::__free_pages(pages.page.as_ptr(), order(args.size));
            } else {
                pages.entry(args).release(args.dev);
            }
        }
    }
}
