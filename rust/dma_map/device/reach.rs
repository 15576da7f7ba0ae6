// SPDX-License-Identifier: GPL-2.0

//! What each mapping is held against, looked up once for a binding.
//!
//! All of it is settled before a driver maps anything: the masks and segment limits by
//! [`DmaDevice::new`](crate::DmaDevice::new), and the IOMMU and the bus's ranges by the kernel, before
//! `probe`. So a mapping compares numbers, where C looks up none of them.
//!
//! Two things do change later, so nothing that is kept here depends on them:
//!
//! - *How much memory there is.* A device that reaches all of it when it is bound may meet memory
//!   that it does not reach when more is plugged in; `dma_max_mapping_size()` changes then. So what a
//!   bounce buffer takes at once is not asked of the device, but of each piece: up to
//!   [`limit`](Reach::limit), which is an address, entries may be as long as a segment, and beyond it
//!   as long as a bounce buffer. Only a device that is limited from the start has that length for
//!   all of its entries, and keeps it when memory is taken away.
//! - *How many bounce pools there are.* With `CONFIG_SWIOTLB_DYNAMIC` the kernel makes more of them,
//!   anywhere below an address that was settled at boot. A device that reaches all below that
//!   address has nothing to ask. For others the limit is what they reach themselves, and a piece
//!   beyond it is held against the pools that there are then, in [`refusal`](crate::device::refusal).

use super::limits::DmaLimits;
use crate::sys::{
    bouncing::Bouncing,
    ffi::{
        self,
        Small, //
    },
    linear, //
};
use core::sync::atomic::{
    AtomicU64,
    Ordering::Relaxed, //
};
use kernel::{
    bindings,
    dma::DmaAddress,
    page::PAGE_SIZE,
    prelude::*, //
};

/// What can be mapped for a device as one piece, and from where.
pub(crate) struct Reach {
    /// The number of the binding; none is used twice.
    binding: u64,
    /// The last physical address that can be mapped without a question.
    limit: u64,
    /// The largest segment, wherever it lies.
    max_segment: u64,
    /// The boundary that a segment must not cross, as a mask.
    boundary: u64,
    /// The largest piece of coherent memory that can be one segment within what the driver stated.
    max_stated: u64,
    /// The boundary that the driver stated; all ones if it did not.
    stated_boundary: u64,
    /// The largest entry of a table: a segment, and no more than a bounce buffer, or whatever stands
    /// between, takes at once.
    max_entry: u64,
    /// The largest one that lies beyond `limit`.
    max_beyond: u64,
    /// Where the pages within `limit` end, in the array of pages; 0 if an entry may not be as long as
    /// a page, or if pages do not tell.
    pages_end: usize,
    /// Whether what was found of a piece beyond `limit` stays so.
    settled: bool,
    /// Whether segments within the limits are within them for the device, too.
    keeps_segments: bool,
    /// Whether, beside that, mapping leaves no mark in a table.
    leaves_tables: bool,
    /// The unit in which caches are maintained for the device; 1 if it is coherent with them.
    cache_alignment: usize,
    /// What becomes of small pieces, if it is not.
    small: Small,
}

/// How many bindings there have been.
static BINDINGS: AtomicU64 = AtomicU64::new(1);

/// What C assumes of a device that says nothing.
const DEFAULT_SEGMENT: u32 = 64 * 1024;

/// The longest entry of a table that the kernel's own IOMMU code maps, with pages of
/// `granule_mask + 1` bytes.
///
/// `iommu_dma_map_sg()` rounds an entry to such pages, and makes it longer by what is left before a
/// boundary if the next one would cross that: by less than the length of the next one. The sum has to
/// have room in 32 bits, or it is `EOVERFLOW`.
const fn max_translated(granule_mask: u64) -> u64 {
    // Half of what 32 bits can count, less what rounding adds.
    (1u64 << 31).wrapping_sub(granule_mask).wrapping_sub(1)
}

// Wherever in a page the entry begins.
const _: () = {
    let mut bits = 12;
    while bits <= 30 {
        let granule: u64 = 1 << bits;
        let max = max_translated(granule - 1);
        let rounded = (max + granule - 1).next_multiple_of(granule);
        assert!(max % granule == 0 && max > 0);
        assert!(rounded + (rounded - 2) <= u32::MAX as u64);
        bits += 1;
    }
};

impl Reach {
    /// Looks up what holds for `dev`, to which `limits` have been applied.
    ///
    /// # Safety
    ///
    /// `dev` must be a bound device with a DMA mask.
    pub(crate) unsafe fn of(dev: *mut bindings::device, limits: &DmaLimits) -> Self {
        // SAFETY: By the safety requirements of this function. If not NULL, `dma_parms` points to
        // the device's parameters.
        let parms = unsafe { (*dev).dma_parms.as_ref() };
        let max = parms.map_or(0, |parms| parms.max_segment_size);
        let boundary = parms.map_or(0, |parms| parms.segment_boundary_mask);
        let max_segment = u64::from(if max == 0 { DEFAULT_SEGMENT } else { max });
        // SAFETY: By the safety requirements of this function.
        let max_mapping = unsafe { bindings::dma_max_mapping_size(dev) };
        // From the one answer, since the memory may change until there is another one.
        //
        // SAFETY: As above.
        let bouncing = unsafe { Bouncing::of(dev, max_mapping != usize::MAX) };
        let limit = bouncing.limit;
        // CAST: `size_t` is at most 64 bits.
        let mut max_entry = max_segment.min(max_mapping as u64).min(bouncing.max);
        // CAST: `unsigned long` is at most 64 bits.
        let boundary = match boundary {
            0 => c_ulong::MAX,
            mask => mask,
        } as u64;
        // What the parameters hold may be the bus's, so they do not tell.
        let (stated, stated_boundary) = limits.segment();
        let stated_boundary = stated_boundary.unwrap_or(u64::MAX);
        // SAFETY: By the safety requirements of this function.
        let (keeps_segments, use_iommu) =
            unsafe { (ffi::keeps_segments(dev), ffi::use_dma_iommu(dev)) };
        if use_iommu {
            // SAFETY: As above.
            //
            // CAST: `unsigned long` is at most 64 bits. An IOMMU's page is at most one of the CPU's.
            let granule_mask = unsafe { bindings::dma_get_merge_boundary(dev) } as u64;
            max_entry = max_entry.min(max_translated(granule_mask));
        }
        let takes_pages = max_entry.min(boundary.saturating_add(1)) >= PAGE_SIZE as u64;

        Self {
            binding: BINDINGS.fetch_add(1, Relaxed),
            limit,
            max_segment,
            max_stated: stated
                .map_or(u64::MAX, u64::from)
                .min(stated_boundary.saturating_add(1)),
            stated_boundary,
            max_entry,
            max_beyond: max_entry.min(bouncing.max_beyond),
            settled: bouncing.settled,
            pages_end: match linear::pages_within(limit) {
                Some(end) if takes_pages && keeps_segments => end,
                _ => 0,
            },
            boundary,
            keeps_segments,
            leaves_tables: keeps_segments && !use_iommu,
            // SAFETY: By the safety requirements of this function.
            cache_alignment: match unsafe { ffi::is_coherent(dev) } {
                true => 1,
                false => ffi::cache_alignment(),
            },
            // SAFETY: By the safety requirements of this function.
            small: unsafe { ffi::small(dev) },
        }
    }

    /// The number of the binding, for what is kept beyond it and must not be taken for another's.
    #[inline]
    pub(crate) fn binding(&self) -> u64 {
        self.binding
    }

    /// The last physical address that can be mapped without a question, if a bounce buffer is allowed.
    /// Of what lies beyond it, [`refusal::check`](crate::device::refusal::check) knows more.
    #[inline]
    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    /// Whether what was found of a piece beyond the limit stays so. If not, a table that is kept is
    /// looked at before each mapping.
    #[inline]
    pub(crate) fn settled(&self) -> bool {
        self.settled
    }

    /// The largest segment that the device takes, in bytes.
    #[inline]
    pub(crate) fn max_segment(&self) -> u64 {
        self.max_segment
    }

    /// The largest entry of a table, in bytes.
    #[inline]
    pub(crate) fn max_entry(&self) -> u64 {
        self.max_entry
    }

    /// The largest entry that lies beyond the limit and is bounced, in bytes.
    pub(crate) fn max_beyond(&self) -> u64 {
        self.max_beyond
    }

    /// The address behind the last `struct page` that can be mapped, if whole pages can be entries.
    #[inline]
    pub(crate) fn pages_end(&self) -> Option<usize> {
        match self.pages_end {
            0 => None,
            end => Some(end),
        }
    }

    /// The boundary that a segment must not cross, as a mask.
    #[inline]
    pub(crate) fn boundary(&self) -> u64 {
        self.boundary
    }

    /// Whether what maps for the device keeps to the segment limits: its addresses are those of the
    /// memory, of bounce buffers, or of an IOMMU whose driver is the kernel's own.
    #[inline]
    pub(crate) fn keeps_segments(&self) -> bool {
        self.keeps_segments
    }

    /// Whether a table that was mapped can be mapped again as it is, and nothing is to be seen of its
    /// segments: only the kernel's own IOMMU code marks tables whose memory it bounced. Memory on a bus,
    /// of which entries are marked too, is in no buffer.
    pub(crate) fn leaves_tables(&self) -> bool {
        self.leaves_tables
    }

    /// What becomes of small pieces of memory that the device writes to, if it is not coherent with the
    /// caches.
    #[inline]
    pub(crate) fn small(&self) -> Small {
        self.small
    }

    /// The unit in which caches are maintained for the device, in bytes; 1 if it is coherent with them.
    #[inline]
    pub(crate) fn cache_alignment(&self) -> usize {
        // What is known when the kernel is configured costs nothing.
        if cfg!(not(any(
            CONFIG_ARCH_HAS_SYNC_DMA_FOR_DEVICE,
            CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU,
            CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU_ALL
        ))) {
            return 1;
        }
        self.cache_alignment
    }

    /// Returns whether `len` bytes of coherent memory can be one segment somewhere, as far as the
    /// driver stated limits of segments.
    #[inline(always)]
    pub(crate) fn takes_coherent(&self, len: usize) -> bool {
        // No limit is smaller than that (`DmaLimits::check`), which costs nothing where the compiler
        // knows the length.
        len <= bindings::L1_CACHE_BYTES as usize || len as u64 <= self.max_stated
    }

    /// Returns whether `len` bytes of coherent memory from `address` on, within
    /// [`takes_coherent`](Self::takes_coherent), lie across the boundary that the driver stated.
    #[inline(always)]
    pub(crate) fn crosses_coherent(&self, address: DmaAddress, len: usize) -> bool {
        #[allow(clippy::useless_conversion, reason = "`dma_addr_t` may be 32 bits")]
        let address = u64::from(address);
        // Neither term is more than the boundary, as `len` is not.
        let room = self
            .stated_boundary
            .wrapping_sub(address & self.stated_boundary);

        // Coherent memory begins at a page, or lies within one, and no boundary is within a page.
        len > PAGE_SIZE && (len as u64).wrapping_sub(1) > room
    }

    /// The boundary that the driver stated, as the size of what it divides memory into; 0 if it stated
    /// none.
    pub(crate) fn stated_boundary(&self) -> u64 {
        self.stated_boundary.wrapping_add(1)
    }

    /// Returns whether `len` bytes, at least 1, can be one segment somewhere.
    #[inline]
    pub(crate) fn takes(&self, len: u64) -> bool {
        len <= self.max_segment && len.wrapping_sub(1) <= self.boundary
    }

    /// Returns whether `len` bytes from `address` on, at least 1, lie across the boundary.
    #[inline]
    pub(crate) fn crosses(&self, address: u64, len: u64) -> bool {
        // Neither term is more than the boundary, and with one of all ones there is nothing to
        // cross: an address space does not wrap. What is longer than the boundary has no room.
        let room = self.boundary.wrapping_sub(address & self.boundary);
        len.wrapping_sub(1) > room
    }
}
