// SPDX-License-Identifier: GPL-2.0

//! Memory of a mapped pool: the calls of the C API.

use super::layout::Layout;
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
/// This value owns pages of `size` bytes. `page` is the first, `cpu` its address, and `dma` their DMA
/// address in `direction`. `dma_alloc_pages()` has mapped them if `node` is `None`, else
/// `dma_map_phys()`.
pub(super) struct ChunkMemory {
    page: NonNull<bindings::page>,
    cpu: NonNull<c_void>,
    dma: DmaAddress,
    size: usize,
    direction: bindings::dma_data_direction,
    node: Option<u32>,
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
        let tracked = leak_tracking::ListNode::new()?;
        let (size, node) = (layout.chunk_size, layout.node);
        let (page, dma) = match node {
            None => Self::near(dev, size, direction, gfp)?,
            Some(node) => Self::on_node(dev, size, direction, gfp, node)?,
        };

        // SAFETY: The pages are in the linear mapping, because no flag asks for high memory.
        let cpu = unsafe { ffi::page_address(page.as_ptr()) };
        // INVARIANT: Allocated and mapped above.
        let this = Self {
            page,
            // SAFETY: The linear mapping does not begin at NULL.
            cpu: unsafe { NonNull::new_unchecked(cpu) },
            dma,
            size,
            direction,
            node,
        };
        tracked.add(dev.as_raw(), || this.entry());

        // `dma_alloc_pages()` checks the mask for coherent memory.
        if !dev.takes_address(dma, size) {
            // SAFETY: Allocated above for `dev`, in this context, and not used.
            unsafe { this.free(dev) };
            return Err(EIO);
        }
        Ok(this)
    }

    /// Allocates on the device's node, where the device reaches the memory.
    fn near(
        dev: DmaDevice<'_>,
        size: usize,
        direction: bindings::dma_data_direction,
        gfp: Gfp,
    ) -> Result<(NonNull<bindings::page>, DmaAddress)> {
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
        Ok((page, dma))
    }

    /// Allocates on another node, and maps the pages.
    fn on_node(
        dev: DmaDevice<'_>,
        size: usize,
        direction: bindings::dma_data_direction,
        gfp: Gfp,
        node: u32,
    ) -> Result<(NonNull<bindings::page>, DmaAddress)> {
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
        Self::map(dev, chunk, direction, attrs as c_ulong | MAPPED_FOR_CPU)
            .map(|dma| (page, dma))
            .inspect_err(|_| {
                // SAFETY: Allocated above with this order, and not mapped.
                unsafe { bindings::__free_pages(page.as_ptr(), order(size)) }
            })
    }

    /// Maps pages that were allocated for a pool.
    fn map(
        dev: DmaDevice<'_>,
        chunk: Chunk,
        direction: bindings::dma_data_direction,
        attrs: c_ulong,
    ) -> Result<DmaAddress> {
        if chunk.last() > dev.constraints().limit() {
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
            return Err(refusal::reason(dev, chunk, direction, attrs));
        }
        Ok(dma)
    }

    /// Returns the address for the CPU.
    pub(super) fn cpu(&self) -> NonNull<c_void> {
        self.cpu
    }

    /// Returns the address for the device.
    pub(super) fn dma(&self) -> DmaAddress {
        self.dma
    }

    fn entry(&self) -> leak_tracking::Entry {
        match self.node {
            None => leak_tracking::Entry::Pages {
                size: self.size,
                page: self.page,
                dma: self.dma,
                direction: self.direction,
            },
            Some(_) => leak_tracking::Entry::Phys {
                address: self.dma,
                size: self.size,
                direction: self.direction,
                attrs: UnmapAttrs::LEAKED.with(0),
            },
        }
    }

    /// Unmaps and frees the memory.
    ///
    /// # Safety
    ///
    /// `dev` must be the device that it was allocated for, and be bound. Nobody may use the memory any
    /// more. The context must be one that may sleep, or the one that allocated the memory.
    pub(super) unsafe fn free(self, dev: DmaDevice<'_>) {
        leak_tracking::untrack(dev.as_raw(), || self.entry());

        let (page, dev) = (self.page.as_ptr(), dev.as_raw());
        // SAFETY: By the type invariants these are the arguments of the allocation and the mapping. The
        // caller guarantees that nobody uses them, and that the context is a legal one.
        unsafe {
            if self.node.is_none() {
                bindings::dma_free_pages(dev, self.size, page, self.dma, self.direction);
            } else {
                let attrs = UnmapAttrs::UNREAD.with(0);
                bindings::dma_unmap_phys(dev, self.dma, self.size, self.direction, attrs);
                bindings::__free_pages(page, order(self.size));
            }
        }
    }
}
