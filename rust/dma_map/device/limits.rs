// SPDX-License-Identifier: GPL-2.0

//! DMA limits of a device, stated by the driver before the first mapping.

use crate::{
    generic::errno::to_result,
    sys::ffi, //
};
use kernel::{
    bindings,
    dma::DmaMask,
    page::PAGE_SIZE,
    prelude::*, //
};

/// The DMA limits of a device, as its data sheet states them.
///
/// Given to [`DmaDevice::new`](crate::device::DmaDevice::new) or to
/// [`Gate::new`](crate::gate::Gate::new), once per binding. A limit that is not set keeps the bus's
/// default (for PCI: segments up to 64 KiB, no boundary below 4 GiB).
///
/// A largest segment and a boundary that are set here apply to each piece of memory that the device is
/// told of: streaming memory, coherent memory and pool blocks. So a [`Piece`](crate::Piece) is within
/// them. If the data sheet means data only, and the device accesses its rings otherwise, the driver
/// says so where it allocates them:
/// [`CoherentOptions::beyond_segment_limits`](crate::CoherentOptions::beyond_segment_limits),
/// [`PoolOptions::beyond_segment_limits`](crate::pool::PoolOptions::beyond_segment_limits). A bus's
/// default, which is not specific to the device, applies to streaming memory only, as in C.
///
/// # Examples
///
/// ```ignore
/// const LIMITS: DmaLimits = DmaLimits::new(DmaMask::new::<28>()).max_segment_size(4096);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DmaLimits {
    streaming_mask: DmaMask,
    coherent_mask: DmaMask,
    pub(super) max_segment_size: Option<u32>,
    pub(super) segment_boundary: Option<u64>,
    min_align_mask: Option<u32>,
}

impl DmaLimits {
    /// Returns the limits of a device that can address `mask`, for coherent and streaming memory alike;
    /// not 0.
    #[inline]
    pub const fn new(mask: DmaMask) -> Self {
        Self {
            streaming_mask: mask,
            coherent_mask: mask,
            max_segment_size: None,
            segment_boundary: None,
            min_align_mask: None,
        }
    }

    /// Sets another mask for coherent memory; not 0.
    #[inline]
    pub const fn coherent_mask(mut self, mask: DmaMask) -> Self {
        self.coherent_mask = mask;
        self
    }

    /// Sets the largest segment that the device takes, in bytes; at least a cache line.
    #[inline]
    pub const fn max_segment_size(mut self, bytes: u32) -> Self {
        self.max_segment_size = Some(bytes);
        self
    }

    /// Sets the boundary that a segment must not cross, as a mask: `0xffff` for 64 KiB.
    ///
    /// One less than a power of two, and not below `PAGE_SIZE - 1`.
    #[inline]
    pub const fn segment_boundary(mut self, mask: u64) -> Self {
        self.segment_boundary = Some(mask);
        self
    }

    /// Sets the low address bits that a bounce buffer must keep: `0xfff` for a device that needs
    /// the offset within 4 KiB preserved (as NVMe does).
    ///
    /// One less than a power of two, and below `PAGE_SIZE`. An IOMMU keeps the offset within its own
    /// pages. If they are smaller, [`DmaDevice::new`](crate::device::DmaDevice::new) returns `EIO`.
    #[inline]
    pub const fn min_align_mask(mut self, mask: u32) -> Self {
        self.min_align_mask = Some(mask);
        self
    }

    /// Checks what can be checked without a device.
    ///
    /// # Errors
    ///
    /// `EINVAL` for a limit that its setter rules out.
    pub const fn check(&self) -> Result {
        // An IOMMU accepts an empty mask, and the C API treats it as "not set": 32 bits.
        if self.streaming_mask.value() == 0 || self.coherent_mask.value() == 0 {
            return Err(EINVAL);
        }
        // DMA debugging warns of more than eight segments in a cache line.
        if let Some(0..bindings::L1_CACHE_BYTES) = self.max_segment_size {
            return Err(EINVAL);
        }
        if let Some(mask) = self.segment_boundary {
            if mask & mask.wrapping_add(1) != 0 || mask < PAGE_SIZE as u64 - 1 {
                return Err(EINVAL);
            }
        }
        if let Some(mask) = self.min_align_mask {
            if mask & mask.wrapping_add(1) != 0 || mask as usize >= PAGE_SIZE {
                return Err(EINVAL);
            }
        }

        Ok(())
    }

    /// Applies the limits to `dev`; all of them or none.
    ///
    /// # Safety
    ///
    /// - `dev` must point to a valid `struct device` that is being probed.
    /// - No DMA mapping or allocation may be made for `dev` meanwhile.
    pub(crate) unsafe fn apply(&self, dev: *mut bindings::device) -> Result {
        self.check()?;

        // SAFETY: `dev` is valid by the safety requirements of this function, and `dma_parms` does
        // not change while a driver is bound.
        let parms = unsafe { (*dev).dma_parms };
        let wants_parms = self.max_segment_size.is_some()
            || self.segment_boundary.is_some()
            || self.min_align_mask.is_some();
        if wants_parms && parms.is_null() {
            return Err(EIO);
        }
        // `__iommu_dma_map()` has a `WARNING` for a larger mask, and fails.
        //
        // SAFETY: `dev` is valid by the safety requirements of this function.
        if unsafe { ffi::dev_dma_iommu(dev) } {
            // SAFETY: `dev` is valid by the safety requirements of this function.
            let granule_mask = unsafe { bindings::dma_get_merge_boundary(dev) };
            // CAST: `unsigned long` has at least 32 bits.
            if self.min_align_mask.unwrap_or(0) as c_ulong > granule_mask {
                return Err(EIO);
            }
        }

        let mut streaming = self.streaming_mask.value();
        let mut coherent = self.coherent_mask.value();
        // SAFETY: `dev` is valid by the safety requirements of this function.
        if unsafe { (*dev).dma_mask == &raw mut (*dev).coherent_dma_mask } {
            // Some platform code has one field for both masks; the smaller one honours both.
            streaming = streaming.min(coherent);
            coherent = streaming;
        }
        // SAFETY: The safety requirements are those of this function.
        unsafe { set_masks(dev, streaming, coherent)? };

        // SAFETY: `dev` is valid and has parameters, or no limit is set that is stored in them. Nothing is
        // mapped for it (safety requirements of this function).
        unsafe {
            if let Some(bytes) = self.max_segment_size {
                bindings::dma_set_max_seg_size(dev, bytes);
            }
            if let Some(mask) = self.segment_boundary {
                // CAST: `check()` verified that this is a boundary. On 32-bit systems the field's
                // largest value means "none", as it does for C drivers.
                ffi::set_seg_boundary(dev, mask as c_ulong);
            }
            if let Some(mask) = self.min_align_mask {
                ffi::set_min_align_mask(dev, mask);
            }
        }

        Ok(())
    }
}

/// Sets both masks, or none.
///
/// # Errors
///
/// `EIO`: the device has no place for a mask, or the platform does not support one of them.
///
/// # Safety
///
/// Those of [`DmaLimits::apply`].
unsafe fn set_masks(dev: *mut bindings::device, streaming: u64, coherent: u64) -> Result {
    // SAFETY: `dev` is valid (safety requirements of this function). If not NULL, `dma_mask` points to its
    // mask.
    let Some(old_streaming) = (unsafe { (*dev).dma_mask.as_ref() }).copied() else {
        return Err(EIO);
    };
    // SAFETY: `dev` is valid (safety requirements of this function).
    let old_coherent = unsafe { (*dev).coherent_dma_mask };

    // The smaller one first. A platform that supports it supports the larger one, too, so that the second
    // call succeeds. One with rules of its own gets the old mask again.
    //
    // SAFETY: `dev` is valid and being probed, and nothing is mapped or allocated for it meanwhile (safety
    // requirements of this function).
    unsafe {
        if streaming <= coherent {
            to_result(bindings::dma_set_mask(dev, streaming))?;
            to_result(bindings::dma_set_coherent_mask(dev, coherent)).inspect_err(|_| {
                bindings::dma_set_mask(dev, old_streaming);
            })
        } else {
            to_result(bindings::dma_set_coherent_mask(dev, coherent))?;
            to_result(bindings::dma_set_mask(dev, streaming)).inspect_err(|_| {
                bindings::dma_set_coherent_mask(dev, old_coherent);
            })
        }
    }
}
