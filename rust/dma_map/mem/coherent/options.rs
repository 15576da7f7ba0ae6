// SPDX-License-Identifier: GPL-2.0

//! How coherent memory is to be allocated.

use crate::gfp::Gfp;
use kernel::{
    bindings,
    prelude::*, //
};

/// Allocation flags, and the attributes that make sense for coherent memory.
///
/// Every constructor of coherent memory takes something that becomes this: a [`Gfp`] alone, or
/// options that were built from one. The handle keeps them, and frees the memory with the same
/// attributes.
///
/// Attributes that are about streaming mappings (`DMA_ATTR_SKIP_CPU_SYNC`, `DMA_ATTR_MMIO`) or that
/// would make coherent memory something else (`DMA_ATTR_WEAK_ORDERING`) cannot be expressed.
/// `DMA_ATTR_NO_KERNEL_MAPPING` is a type of its own,
/// [`CoherentHandle`](super::CoherentHandle), because there is nothing to access then.
/// `DMA_ATTR_NO_WARN` is always in effect, see [`Gfp`].
///
/// What the constructors refuse, by the limits of segments that the driver has stated, they allocate
/// with [`beyond_segment_limits`](Self::beyond_segment_limits).
///
/// # Examples
///
/// ```ignore
/// let frame = DmaCoherent::<[u32]>::zeroed_slice_large(
///     dma,
///     640 * 480,
///     CoherentOptions::new(Gfp::Kernel).write_combine(),
/// )?;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoherentOptions {
    gfp: Gfp,
    attrs: u32,
    /// Whether the limits of segments are those of other memory.
    beyond_segments: bool,
}

impl CoherentOptions {
    /// No attributes.
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

    /// Lets the CPU collect its writes (`DMA_ATTR_WRITE_COMBINE`): fast to fill, slow to read.
    ///
    /// Has an effect only where the device's DMA is not coherent with the caches. The barriers in
    /// [`barrier`](crate::barrier) order such writes too.
    #[inline]
    pub const fn write_combine(self) -> Self {
        self.with(bindings::DMA_ATTR_WRITE_COMBINE)
    }

    /// Asks for memory that is contiguous in physical space as well
    /// (`DMA_ATTR_FORCE_CONTIGUOUS`), for a device that goes around the IOMMU.
    #[inline]
    pub const fn force_contiguous(self) -> Self {
        self.with(bindings::DMA_ATTR_FORCE_CONTIGUOUS)
    }

    /// Does not try for large pages (`DMA_ATTR_ALLOC_SINGLE_PAGES`): allocates faster, and costs
    /// the IOMMU more entries.
    #[inline]
    pub const fn single_pages(self) -> Self {
        self.with(bindings::DMA_ATTR_ALLOC_SINGLE_PAGES)
    }

    /// Lets only the device's privileged accesses through (`DMA_ATTR_PRIVILEGED`), where the IOMMU
    /// knows the difference.
    #[inline]
    pub const fn privileged(self) -> Self {
        self.with(bindings::DMA_ATTR_PRIVILEGED)
    }

    /// Allocates whatever the size, for a device whose limits of segments are not those of this
    /// memory.
    ///
    /// The `max_segment_size` and the `segment_boundary` that [`DmaLimits`](crate::DmaLimits) states
    /// hold for coherent memory, too, unless this is said: for a ring or a table that the device reads
    /// as one, where the data sheet limits what the ring's entries point to; and for memory that it is
    /// told of in parts. A [`Piece`](crate::Piece) of such memory may be longer, and lie across the
    /// boundary.
    #[inline]
    pub const fn beyond_segment_limits(mut self) -> Self {
        self.beyond_segments = true;
        self
    }

    #[inline]
    pub(super) const fn is_beyond_segment_limits(self) -> bool {
        self.beyond_segments
    }

    #[inline]
    pub(super) const fn no_kernel_mapping(self) -> Self {
        self.with(bindings::DMA_ATTR_NO_KERNEL_MAPPING)
    }

    #[inline]
    pub(super) const fn gfp(self) -> Gfp {
        self.gfp
    }

    /// The attributes as the C API takes them.
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
