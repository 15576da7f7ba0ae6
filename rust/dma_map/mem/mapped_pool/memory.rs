// SPDX-License-Identifier: GPL-2.0

//! Memory that stays mapped: the calls of the C API.

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
        ledger,
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
/// `page` is the first of the pages for `size` bytes, which this value owns, at `cpu`, and which are
/// mapped at `dma` in `direction`: by `dma_alloc_pages()` if `node` is `None`, else by
/// `dma_map_phys()`.
pub(super) struct Memory {
    page: NonNull<bindings::page>,
    cpu: NonNull<c_void>,
    dma: DmaAddress,
    size: usize,
    direction: bindings::dma_data_direction,
    node: Option<u32>,
}

/// The order of as many pages as hold `size` bytes, not 0.
fn order(size: usize) -> u32 {
    let pages = size.div_ceil(PAGE_SIZE);

    usize::BITS.wrapping_sub(pages.wrapping_sub(1).leading_zeros())
}

impl Memory {
    /// Allocates a chunk of zeroes, and maps it.
    ///
    /// # Errors
    ///
    /// - `ENOMEM`.
    /// - `EIO`: out of the device's reach for good, by either mask, or across its `segment_boundary`.
    pub(super) fn alloc(
        dev: DmaDevice<'_>,
        layout: &Layout,
        direction: bindings::dma_data_direction,
        gfp: Gfp,
    ) -> Result<Self> {
        let line = ledger::Line::new()?;
        let (size, node) = (layout.chunk_size, layout.node);
        let (page, dma) = match node {
            None => Self::near(dev, size, direction, gfp)?,
            Some(node) => Self::on_node(dev, size, direction, gfp, node)?,
        };

        // SAFETY: The pages are in the linear mapping: no flag asks for high memory.
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
        line.enter(dev.as_raw(), || this.entry());

        // `dma_alloc_pages()` goes by the mask for coherent memory.
        if !dev.takes_address(dma, size) {
            // SAFETY: Allocated above, and not used again. This is a context in which the same was
            // allocated.
            unsafe { this.free(dev) };
            return Err(EIO);
        }
        Ok(this)
    }

    /// On the device's node, where the device reaches it.
    fn near(
        dev: DmaDevice<'_>,
        size: usize,
        direction: bindings::dma_data_direction,
        gfp: Gfp,
    ) -> Result<(NonNull<bindings::page>, DmaAddress)> {
        let mut dma: DmaAddress = 0;
        // Zeroed before they are mapped, too: the function does it afterwards, and what bounces at
        // once has the pages as they were.
        let gfp = gfp.as_raw() | bindings::__GFP_ZERO;
        // SAFETY: `dev` is bound; a device whose limits were applied has a mask.
        let page =
            unsafe { bindings::dma_alloc_pages(dev.as_raw(), size, &mut dma, direction, gfp) };

        // Behind an IOMMU, the function maps them as any others.
        let page = NonNull::new(page)
            .ok_or_else(|| refusal::reason_of_allocation(dev, dev.mask(), size))?;
        Ok((page, dma))
    }

    /// On another node, mapped as any memory is.
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
        // CAST: A node that is online, which `Layout` has seen.
        //
        // SAFETY: The function has no other preconditions.
        let page = unsafe { bindings::alloc_pages_node_noprof(node as c_int, gfp, order(size)) };
        let page = NonNull::new(page).ok_or(ENOMEM)?;

        let chunk = Chunk {
            // SAFETY: Allocated above.
            phys: unsafe { linear::page_phys(page.as_ptr()) },
            len: size as u64,
        };
        // CAST: `unsigned long` has at least 32 bits.
        Self::map(dev, chunk, direction, attrs as c_ulong | MAPPED_FOR_CPU)
            .map(|dma| (page, dma))
            .inspect_err(|_| {
                // SAFETY: Allocated above, and not mapped.
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
        if chunk.last() > dev.reach().limit() {
            refusal::check(dev, chunk, direction, attrs)?;
        }

        // SAFETY: `dev` is bound, and has a mask; the pages are ours, and the CPU has them until they
        // are synced.
        //
        // CAST: It was a `usize`.
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

    /// Where the CPU finds it.
    pub(super) fn cpu(&self) -> NonNull<c_void> {
        self.cpu
    }

    /// Where the device finds it.
    pub(super) fn dma(&self) -> DmaAddress {
        self.dma
    }

    fn entry(&self) -> ledger::Entry {
        match self.node {
            None => ledger::Entry::Pages {
                size: self.size,
                page: self.page,
                dma: self.dma,
                direction: self.direction,
            },
            Some(_) => ledger::Entry::Phys {
                address: self.dma,
                size: self.size,
                direction: self.direction,
                attrs: UnmapAttrs::LEAKED.with(0),
            },
        }
    }

    /// Unmaps and frees it.
    ///
    /// # Safety
    ///
    /// `dev` must be what it was allocated for, bound, and nobody must use the memory any more. The
    /// caller must be in a context that may sleep, or in one in which it was allocated.
    pub(super) unsafe fn free(self, dev: DmaDevice<'_>) {
        ledger::strike(dev.as_raw(), || self.entry());

        let (page, dev) = (self.page.as_ptr(), dev.as_raw());
        // SAFETY: By the type invariants, and the safety requirements of this function.
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
