// SPDX-License-Identifier: GPL-2.0

//! Memory of a mapped pool: the calls of the C API.

use super::{
    super::noncoherent::memory::{
        private::PagesBackend as _,
        ContiguousPages,
        ToFree, //
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
        leak_tracking,
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
/// This value owns `memory`. If it is `on_node`, it was mapped by `dma_map_phys()` at its place, and not
/// by `dma_alloc_pages()`.
pub(super) struct ChunkMemory {
    memory: ToFree<ContiguousPages>,
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
        let (memory, on_node) = match layout.node {
            None => (ContiguousPages::alloc(dev, size, direction, gfp)?, false),
            Some(node) => (Self::alloc_on_node(dev, size, direction, gfp, node)?, true),
        };
        let this = Self { memory, on_node };

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
    ) -> Result<ToFree<ContiguousPages>> {
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
        let memory = unsafe { ContiguousPages::placed(dev, page, dma, size, direction) }?;
        // SAFETY: Allocated above with these arguments. What releases it untracks it first.
        unsafe { tracked.add(dev.as_raw(), || Self::entry(&memory)) };
        Ok(memory)
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
        self.memory.1.cpu
    }

    /// Returns the address for the device.
    pub(super) fn dma(&self) -> DmaAddress {
        self.memory.0.dma_address()
    }

    /// Returns the entry of mapped pages in leak tracking.
    fn entry(ToFree(pages, args): &ToFree<ContiguousPages>) -> leak_tracking::Entry {
        leak_tracking::Entry::Phys {
            address: pages.dma_address(),
            size: args.size,
            direction: args.direction,
            attrs: UnmapAttrs::LEAKED.with(0),
        }
    }

    /// Unmaps and frees the memory.
    ///
    /// # Safety
    ///
    /// Its device must be bound. Nobody may use the memory any more. The context must be one that may
    /// sleep, or the one that allocated the memory.
    pub(super) unsafe fn free(self) {
        let ToFree(pages, args) = &self.memory;
        if !self.on_node {
            // SAFETY: By the type invariants this owns the memory. The caller guarantees that nobody uses
            // it, that the device is bound, and that the context is a legal one.
            return unsafe { pages.free(args) };
        }

        leak_tracking::untrack(args.dev, || Self::entry(&self.memory));
        let (dma, attrs) = (self.dma(), UnmapAttrs::UNREAD.with(0));
        // SAFETY: By the type invariants these are the arguments of the mapping and the allocation. The
        // caller guarantees that nobody uses them, and that the context is a legal one.
        unsafe {
            bindings::dma_unmap_phys(args.dev, dma, args.size, args.direction, attrs);
            bindings::__free_pages(pages.page.as_ptr(), order(args.size));
        }
    }
}
