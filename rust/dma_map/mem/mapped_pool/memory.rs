// SPDX-License-Identifier: GPL-2.0

//! Memory of a mapped pool: the calls of the C API.

use super::{
    super::noncoherent::memory::{
        private::PagesBackend as _,
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
/// This value owns the memory at `cpu` and `dma`, and `mapped` is what unmaps it. That also frees it,
/// unless there are `pages`, of this order, to free then.
pub(super) struct ChunkMemory {
    pub(super) cpu: NonNull<c_void>,
    pub(super) dma: DmaAddress,
    mapped: Entry,
    pages: Option<(NonNull<bindings::page>, c_uint)>,
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
        let this = match layout.node {
            None => {
                let (pages, args) = ContiguousPages::alloc(dev, size, direction, gfp)?;
                // INVARIANT: Allocated and mapped above.
                Self {
                    cpu: args.cpu,
                    dma: pages.dma_address(),
                    mapped: pages.entry(&args),
                    pages: None,
                }
            }
            Some(node) => Self::alloc_on_node(dev, size, direction, gfp, node)?,
        };

        // `dma_alloc_pages()` checks the mask for coherent memory.
        if !dev.takes_address(this.dma, size) {
            // SAFETY: Allocated above, in this context, and not used.
            unsafe { this.free(dev) };
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
    ) -> Result<Self> {
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
        let mapped = Entry::Phys {
            address: dma,
            size,
            direction,
            attrs: UnmapAttrs::UNREAD.with(0),
        };
        // SAFETY: Mapped above with these arguments. What releases it untracks it first.
        unsafe { tracked.add(dev.as_raw(), || mapped.clone()) };
        // SAFETY: The pages are in the linear mapping, because no flag asks for high memory.
        let cpu = unsafe { ffi::page_address(page.as_ptr()) };
        // INVARIANT: Allocated and mapped above.
        Ok(Self {
            // The linear mapping does not begin at NULL.
            cpu: NonNull::new(cpu).ok_or(ENOMEM)?,
            dma,
            mapped,
            pages: Some((page, order(size))),
        })
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

    /// Unmaps and frees the memory.
    ///
    /// # Safety
    ///
    /// `dev` must be its device. Nobody may use the memory any more. The context must be one that may
    /// sleep, or the one that allocated the memory.
    pub(super) unsafe fn free(self, dev: DmaDevice<'_>) {
        // SAFETY: By the type invariants this owns the memory of `dev`, and these are the arguments of
        // its mapping and its allocation. The caller guarantees that nobody uses it, and that the
        // context is a legal one.
        unsafe {
            self.mapped.release(dev.as_raw());
            if let Some((page, order)) = self.pages {
                bindings::__free_pages(page.as_ptr(), order);
            }
        }
    }
}
