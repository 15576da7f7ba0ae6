// SPDX-License-Identifier: GPL-2.0

//! Allocation options of coherent memory.

use crate::gfp::Gfp;
use kernel::{
    bindings,
    prelude::*, //
};

/// Allocation flags and attributes of coherent memory.
///
/// Every constructor of coherent memory takes a value that converts into this: a [`Gfp`] alone, or
/// options that were built from one. The handle keeps the attributes, and frees the memory with them.
///
/// Attributes for streaming mappings (`DMA_ATTR_SKIP_CPU_SYNC`, `DMA_ATTR_MMIO`), and those that would
/// weaken coherent memory (`DMA_ATTR_WEAK_ORDERING`), cannot be expressed. `DMA_ATTR_NO_KERNEL_MAPPING`
/// is a type of its own, [`CoherentHandle`](super::CoherentHandle), because the CPU cannot access such
/// memory. `DMA_ATTR_NO_WARN` is always in effect, see [`Gfp`].
///
/// With [`beyond_segment_limits`](Self::beyond_segment_limits), the constructors ignore the segment
/// limits that the driver has stated.
///
/// # Examples
///
/// ```ignore,run
/// let frame = DmaCoherent::<[u32]>::zeroed_slice_large(
///     dma,
///     640 * 480,
///     CoherentOptions::new(Gfp::Kernel).write_combine(),
/// )?;
/// # check(frame.len() == 640 * 480 && frame.iter().all(|pixel| *pixel == 0))?;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoherentOptions {
    pub(super) gfp: Gfp,
    attrs: u32,
    /// Whether the segment limits do not apply to this memory.
    pub(super) beyond_segments: bool,
}

impl CoherentOptions {
    /// Makes options without attributes.
    #[inline]
    pub const fn new(gfp: Gfp) -> Self {
        Self {
            gfp,
            attrs: 0,
            beyond_segments: false,
        }
    }

    #[inline]
    const fn with(mut self, attr: u32) -> Self {
        self.attrs |= attr;
        self
    }

    /// Lets the CPU combine its writes (`DMA_ATTR_WRITE_COMBINE`): fast to fill, slow to read.
    ///
    /// Has an effect only where the device's DMA is not coherent with the caches. The barriers in
    /// [`barrier`](crate::barrier) order such writes too.
    #[inline]
    pub const fn write_combine(self) -> Self {
        self.with(bindings::DMA_ATTR_WRITE_COMBINE)
    }

    /// Allocates memory that is also physically contiguous (`DMA_ATTR_FORCE_CONTIGUOUS`), for a device
    /// that bypasses the IOMMU.
    #[inline]
    pub const fn force_contiguous(self) -> Self {
        self.with(bindings::DMA_ATTR_FORCE_CONTIGUOUS)
    }

    /// Does not try large pages (`DMA_ATTR_ALLOC_SINGLE_PAGES`): the allocation is faster, and takes
    /// more entries of the IOMMU.
    #[inline]
    pub const fn single_pages(self) -> Self {
        self.with(bindings::DMA_ATTR_ALLOC_SINGLE_PAGES)
    }

    /// Restricts the memory to the device's privileged accesses (`DMA_ATTR_PRIVILEGED`), where the IOMMU
    /// can tell them apart.
    #[inline]
    pub const fn privileged(self) -> Self {
        self.with(bindings::DMA_ATTR_PRIVILEGED)
    }

    /// Allocates memory of any size, for a device whose segment limits do not apply to this memory.
    ///
    /// Otherwise the `max_segment_size` and the `segment_boundary` of [`DmaLimits`](crate::DmaLimits)
    /// hold for coherent memory, too, if the driver has stated them. Two kinds of memory need this
    /// option: a ring or a table that the device reads as one, where the data sheet limits the buffers
    /// that its entries point to; and memory whose address the device gets in parts. A
    /// [`Piece`](crate::Piece) of such memory may be longer than a segment, and cross the boundary.
    #[inline]
    pub const fn beyond_segment_limits(mut self) -> Self {
        self.beyond_segments = true;
        self
    }

    #[inline]
    pub(super) const fn no_kernel_mapping(self) -> Self {
        self.with(bindings::DMA_ATTR_NO_KERNEL_MAPPING)
    }

    /// Returns the attributes as the C API takes them.
    #[inline]
    pub(super) const fn attrs(self) -> c_ulong {
        // CAST: `unsigned long` has at least 32 bits.
        self.attrs as c_ulong
    }
}

impl From<Gfp> for CoherentOptions {
    #[inline]
    fn from(gfp: Gfp) -> Self {
        Self::new(gfp)
    }
}
