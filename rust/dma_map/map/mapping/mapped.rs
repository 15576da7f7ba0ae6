// SPDX-License-Identifier: GPL-2.0

//! Mapped memory without its buffer: the C API's calls, with matching arguments.

use crate::{
    device::{
        constraints::widen,
        lines::Lines,
        refusal,
        DmaDevice, //
    },
    direction::Direction,
    handle::Receiver,
    model::sync_attrs::UnmapAttrs,
    sys::{
        chunk::Chunk,
        ffi,
        leak_tracking, //
    },
};
use core::ops::Range;
use kernel::{
    bindings,
    dma::DmaAddress,
    prelude::*, //
};

/// The attributes that `dma_unmap_phys()` must get as `dma_map_phys()` did, of those that we set.
const KEPT: c_ulong = (bindings::DMA_ATTR_MMIO
    | bindings::DMA_ATTR_PRIVILEGED
    | bindings::DMA_ATTR_REQUIRE_COHERENT
    | bindings::DMA_ATTR_WEAK_ORDERING) as c_ulong;

/// A mapped piece of memory; a drop does not unmap it.
///
/// # Invariants
///
/// `size` bytes are mapped for `dev` at `address`, with `attrs`, until [`unmap`](Self::unmap). They
/// are one segment within the device's limits.
pub(super) struct Mapped<'bound> {
    pub(super) dev: DmaDevice<'bound>,
    pub(super) address: DmaAddress,
    pub(super) size: usize,
    attrs: c_ulong,
}

impl<'bound> Mapped<'bound> {
    /// Maps `chunk`, which is not empty, in direction `D`.
    ///
    /// C API: `dma_map_phys()`, `dma_mapping_error()`. Context: any.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: the chunk is longer than the device's `max_segment_size`, or crosses its
    ///   `segment_boundary`.
    /// - `EIO`: the device cannot reach the chunk, and no bounce buffer is allowed, none exists, or one
    ///   that could be used is out of reach.
    /// - `EOPNOTSUPP`: coherence is required, and the device's DMA is not coherent.
    /// - `ENOMEM`: C did not map it. The caller gets the cause from [`refusal::reason`]: here, the
    ///   chunk would have to be kept across the call.
    ///
    /// # Safety
    ///
    /// Unless `attrs` has `DMA_ATTR_MMIO`, the chunk must be memory that is in the linear mapping,
    /// initialised, and not accessed by the CPU from here on until it is synced or unmapped.
    #[inline]
    pub(super) unsafe fn map<D: Direction>(
        dev: DmaDevice<'bound>,
        chunk: Chunk,
        mut attrs: c_ulong,
    ) -> Result<Self> {
        let (raw, constraints) = (dev.as_raw(), dev.constraints());
        if !constraints.takes(chunk.len) {
            return Err(EINVAL);
        }
        // CAST: Not more than `max_segment_size`, which is 32 bits.
        let size = chunk.len as usize;

        let coherent = bindings::DMA_ATTR_REQUIRE_COHERENT as c_ulong;
        // SAFETY: `dev` is bound, and a device whose limits were applied has a mask.
        let limit = unsafe {
            if attrs & coherent != 0 && !ffi::is_coherent(raw) {
                return Err(EOPNOTSUPP);
            }
            if attrs & (coherent | bindings::DMA_ATTR_MMIO as c_ulong) != 0 {
                ffi::direct_limit(raw)
            } else {
                constraints.limit
            }
        };
        if chunk.last() > limit {
            refusal::check(dev, chunk, D::RAW, attrs)?;
        }

        if attrs & bindings::DMA_ATTR_MMIO as c_ulong == 0 {
            if let Some(lines) = Lines::written::<D>(dev) {
                // CAST: Not more than `max_segment_size`.
                lines.check_lengths(core::iter::once(size as u32))?;
            }
        }

        // DMA debugging counts the mappings that start in one cache line, and warns of many. If DMA is
        // coherent with the caches, they do no harm; otherwise the callers keep them apart.
        if cfg!(CONFIG_DMA_API_DEBUG) && constraints.cache_alignment() == 1 {
            attrs |= bindings::DMA_ATTR_DEBUGGING_IGNORE_CACHELINES as c_ulong;
        }
        let tracked = leak_tracking::ListNode::new()?;
        let no_warn = bindings::DMA_ATTR_NO_WARN as c_ulong;
        // SAFETY: `dev` is bound; the chunk is memory or MMIO as the attributes say, by the safety
        // requirements of this function, and the device's mask reaches it.
        let address =
            unsafe { bindings::dma_map_phys(raw, chunk.phys, size, D::RAW, attrs | no_warn) };
        // SAFETY: `dev` is bound.
        if unsafe { ffi::mapping_error(raw, address) } {
            return Err(ENOMEM);
        }

        // INVARIANT: Mapped above; that it is one segment is checked before it is returned.
        let this = Self {
            dev,
            address,
            size,
            attrs: attrs & KEPT,
        };
        // SAFETY: Mapped above with these arguments. What releases it untracks it first.
        unsafe { tracked.add(raw, || this.entry::<D>()) };
        if constraints.crosses(widen(address), chunk.len) {
            // SAFETY: Mapped above in direction `D`, no device has the address yet, and `this` is not used
            // again.
            unsafe { this.unmap::<D>(UnmapAttrs::IN_SYNC) };
            return Err(EINVAL);
        }
        Ok(this)
    }

    fn entry<D: Direction>(&self) -> leak_tracking::Entry {
        leak_tracking::Entry::Phys {
            address: self.address,
            size: self.size,
            direction: D::RAW,
            attrs: UnmapAttrs::LEAKED.with(self.attrs),
        }
    }

    /// Syncs `range` for `R`.
    ///
    /// C API: `dma_sync_single_range_for_cpu()`, `dma_sync_single_range_for_device()`. Context: any.
    ///
    /// # Safety
    ///
    /// That of [`Backing::sync`](crate::handle::Backing::sync), for `range`, which must be within the
    /// mapping.
    #[inline]
    pub(super) unsafe fn sync<D: Direction, R: Receiver>(&self, range: Range<usize>) {
        let raw = self.dev.as_raw();

        // SAFETY: `dev` is bound, and the range is mapped in this direction.
        unsafe {
            if ffi::need_sync(raw) {
                // CAST: The range is within the mapping, whose addresses do not wrap.
                let at = self.address.wrapping_add(range.start as DmaAddress);
                (R::SYNC_SINGLE)(raw, at, range.len(), D::RAW);
            }
        }
    }

    /// Unmaps the memory, and syncs it as `end` says.
    ///
    /// C API: `dma_unmap_phys()`. Context: any.
    ///
    /// # Safety
    ///
    /// The mapping must have direction `D`, the device must be done, and the mapping must not be used
    /// again.
    #[inline]
    pub(super) unsafe fn unmap<D: Direction>(&self, end: UnmapAttrs) {
        leak_tracking::untrack(self.dev.as_raw(), || self.entry::<D>());
        // SAFETY: `dev` is bound, and the memory is mapped for it (type invariants) in direction `D`. The
        // device is done, and the mapping is not used again (safety requirements of this function).
        unsafe {
            bindings::dma_unmap_phys(
                self.dev.as_raw(),
                self.address,
                self.size,
                D::RAW,
                end.with(self.attrs),
            )
        };
    }
}
