// SPDX-License-Identifier: GPL-2.0

//! Per-binding DMA constraints, looked up once.
//!
//! All of them are fixed before a driver maps anything: the masks and segment limits by
//! [`DmaDevice::new`](crate::DmaDevice::new), the IOMMU and the bus's ranges by the kernel before
//! `probe`. So a mapping only compares numbers, and calls no C function for them.
//!
//! Two things change later, and no constraint here depends on them:
//!
//! - *The amount of memory.* A device that reaches all memory when it is bound may not reach memory
//!   that is hotplugged later. `dma_max_mapping_size()` changes then. So the size of a bounce buffer is
//!   a limit of each piece, and not of the device. Up to the address [`limit`](Constraints::limit), entries
//!   may be as long as a segment. Beyond it, they may be as long as a bounce buffer. Only a device that
//!   is limited from the start has the length of a bounce buffer for all its entries, and keeps it when
//!   memory is removed.
//! - *The number of bounce pools.* With `CONFIG_SWIOTLB_DYNAMIC` the kernel allocates more of them,
//!   anywhere below an address that is fixed at boot. For a device that reaches everything below that
//!   address, nothing needs to be checked. For other devices, `limit` is what they reach directly, and
//!   [`refusal`](crate::device::refusal) checks a piece beyond it with the bounce pools that exist at
//!   that time.

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

/// The DMA constraints of a binding: the size and place of one piece.
///
/// The binding that owns them hands out shared references only, so they stay as they were looked up.
pub(crate) struct Constraints {
    /// The number of the binding, which no other binding gets: for data that outlives it and must not be
    /// used in another one.
    pub(crate) binding: u64,
    /// The last physical address that can be mapped without a check, if bouncing is allowed.
    /// [`refusal::check`](crate::device::refusal::check) checks what lies beyond it.
    pub(crate) limit: u64,
    /// The largest segment that the device takes, in bytes, wherever it lies.
    pub(crate) max_segment: u64,
    /// The boundary that a segment must not cross, as a mask.
    pub(crate) boundary: u64,
    /// The largest piece of coherent memory that can be one segment within the limits that the driver
    /// stated.
    max_stated: u64,
    /// The boundary that the driver stated; all ones if it did not.
    stated_boundary: u64,
    /// The largest entry of a table, in bytes: at most a segment, and at most what a bounce buffer or an
    /// IOMMU takes at once.
    pub(crate) max_entry: u64,
    /// The largest entry that lies beyond `limit` and is bounced, in bytes.
    pub(crate) max_beyond: u64,
    /// The end, in the array of pages, of the pages within `limit`; 0 if an entry cannot be as long as
    /// a page, or if the array does not tell.
    pages_end: usize,
    /// Whether the check of a piece beyond `limit` has the same result later. If not, a table that is kept
    /// is checked before each mapping.
    pub(crate) settled: bool,
    /// Whether mappings for the device keep to the segment limits: DMA addresses are those of the memory,
    /// of bounce buffers, or of an IOMMU with the kernel's IOMMU code.
    pub(crate) keeps_segments: bool,
    /// Whether, in addition, mapping leaves no mark in a table, so that a mapped table can be mapped again
    /// without a check of its entries. Only the kernel's IOMMU code marks entries whose memory it bounced.
    /// Entries of memory on a bus are marked too, but no buffer contains such memory.
    pub(crate) leaves_tables: bool,
    /// Whether each mapping must be unmapped. If not, those must be that were made since the device needs
    /// syncs, see [`DmaDevice::needs_unmap`](crate::DmaDevice::needs_unmap).
    pub(crate) unmaps_all: bool,
    /// The cache maintenance unit of the device, in bytes; 1 if it is coherent.
    cache_alignment: usize,
    /// How the kernel maps small pieces that the device writes to, if it is not coherent with the caches.
    pub(crate) small: Small,
}

/// Converts a DMA address to 64 bits.
#[inline(always)]
#[allow(clippy::useless_conversion, reason = "`dma_addr_t` may be 32 bits")]
pub(crate) fn widen(address: DmaAddress) -> u64 {
    address.into()
}

/// The number of the next binding.
static BINDINGS: AtomicU64 = AtomicU64::new(1);

/// The largest segment that C assumes if none is set.
const DEFAULT_SEGMENT: u32 = 64 * 1024;

/// Returns the longest entry of a table that the kernel's IOMMU code can map, with IOMMU pages of
/// `granule_mask + 1` bytes.
///
/// `iommu_dma_map_sg()` rounds an entry to such pages. If the next entry would cross a boundary, it
/// pads the entry up to the boundary, by less than the length of the next one. The sum must fit in 32
/// bits, or the mapping fails with `EOVERFLOW`.
const fn max_translated(granule_mask: u64) -> u64 {
    // Half of the 32-bit range, less what rounding adds.
    (1u64 << 31).wrapping_sub(granule_mask).wrapping_sub(1)
}

// Holds wherever in a page the entry begins.
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

impl Constraints {
    /// Looks up the constraints of `dev`, to which `limits` have been applied.
    ///
    /// # Safety
    ///
    /// `dev` must be a bound device with a DMA mask.
    pub(crate) unsafe fn of(dev: *mut bindings::device, limits: &DmaLimits) -> Self {
        // SAFETY: `dev` is bound (function precondition). If not NULL, `dma_parms` points to its
        // parameters.
        let parms = unsafe { (*dev).dma_parms.as_ref() };
        let max = parms.map_or(0, |parms| parms.max_segment_size);
        let boundary = parms.map_or(0, |parms| parms.segment_boundary_mask);
        let max_segment = u64::from(if max == 0 { DEFAULT_SEGMENT } else { max });
        // SAFETY: `dev` is bound and has a mask (function precondition).
        let max_mapping = unsafe { bindings::dma_max_mapping_size(dev) };
        // Uses the same answer, since memory hotplug may change the next one.
        //
        // SAFETY: `dev` is bound and has a mask (function precondition).
        let bouncing = unsafe { Bouncing::of(dev, max_mapping != usize::MAX) };
        let limit = bouncing.limit;
        // CAST: `size_t` is at most 64 bits.
        let mut max_entry = max_segment.min(max_mapping as u64).min(bouncing.max);
        // CAST: `unsigned long` is at most 64 bits.
        let boundary = match boundary {
            0 => c_ulong::MAX,
            mask => mask,
        } as u64;
        // The parameters may be the bus's, so only `limits` tells what the driver stated.
        let stated_boundary = limits.segment_boundary.unwrap_or(u64::MAX);
        // SAFETY: `dev` is bound (function precondition).
        let (keeps_segments, use_iommu) =
            unsafe { (ffi::keeps_segments(dev), ffi::dev_dma_iommu(dev)) };
        if use_iommu {
            // SAFETY: `dev` is bound (function precondition).
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
            max_stated: limits
                .max_segment_size
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
            // SAFETY: `dev` is bound and has a mask (function precondition).
            unmaps_all: unsafe { ffi::need_unmap(dev) },
            // SAFETY: `dev` is bound (function precondition).
            cache_alignment: match unsafe { ffi::is_coherent(dev) } {
                true => 1,
                false => ffi::cache_alignment(),
            },
            // SAFETY: `dev` is bound and has a mask (function precondition).
            small: unsafe { ffi::small(dev) },
        }
    }

    /// Returns the address behind the last `struct page` that can be mapped, if whole pages can be
    /// entries.
    #[inline]
    pub(crate) fn pages_end(&self) -> Option<usize> {
        match self.pages_end {
            0 => None,
            end => Some(end),
        }
    }

    /// Returns the cache maintenance unit of the device, in bytes; 1 if it is coherent with the caches.
    #[inline]
    pub(crate) fn cache_alignment(&self) -> usize {
        // A constant if the configuration decides it.
        if cfg!(not(any(
            CONFIG_ARCH_HAS_SYNC_DMA_FOR_DEVICE,
            CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU,
            CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU_ALL
        ))) {
            return 1;
        }
        self.cache_alignment
    }

    /// Returns whether `len` bytes of coherent memory can be one segment somewhere, within the segment
    /// limits that the driver stated.
    #[inline(always)]
    pub(crate) fn takes_coherent(&self, len: usize) -> bool {
        // No limit is smaller than a cache line (`DmaLimits::check`). The comparison is free if the
        // compiler knows the length.
        len <= bindings::L1_CACHE_BYTES as usize || len as u64 <= self.max_stated
    }

    /// Returns whether `len` bytes of coherent memory from `address` on, within
    /// [`takes_coherent`](Self::takes_coherent), cross the boundary that the driver stated.
    #[inline(always)]
    pub(crate) fn crosses_coherent(&self, address: DmaAddress, len: usize) -> bool {
        // Neither term is more than the boundary, as `len` is not.
        let room = self
            .stated_boundary
            .wrapping_sub(widen(address) & self.stated_boundary);

        // Coherent memory begins at a page, or lies within one, and no boundary is within a page.
        len > PAGE_SIZE && (len as u64).wrapping_sub(1) > room
    }

    /// Returns the boundary that the driver stated, as the size of the areas between boundaries; 0 if
    /// it stated none.
    pub(crate) fn stated_boundary(&self) -> u64 {
        self.stated_boundary.wrapping_add(1)
    }

    /// Returns whether `len` bytes, at least 1, can be one segment somewhere.
    #[inline]
    pub(crate) fn takes(&self, len: u64) -> bool {
        len <= self.max_segment && len.wrapping_sub(1) <= self.boundary
    }

    /// Returns whether `len` bytes from `address` on, at least 1, cross the boundary.
    #[inline]
    pub(crate) fn crosses(&self, address: u64, len: u64) -> bool {
        // Neither term is more than the boundary. One of all ones is never crossed, since an address
        // space does not wrap. A piece longer than the boundary has no room.
        let room = self.boundary.wrapping_sub(address & self.boundary);
        len.wrapping_sub(1) > room
    }
}
