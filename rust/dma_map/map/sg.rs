// SPDX-License-Identifier: GPL-2.0

//! Scatter-gather mappings: streaming mappings of scattered memory.
//!
//! C headers: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h),
//! [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

mod addresses;
mod backing;
mod interop;
mod prebuilt;
mod range;
mod source;

pub use self::{
    addresses::SgAddresses,
    prebuilt::Prebuilt, //
};

pub use crate::{
    buf::{
        buffer::{
            SgBuffer,
            SgSlice, //
        },
        buffer_range::BufferRange,
        list::{
            AnyBuffer,
            Both,
            SgList, //
        },
        page_list::PageList,
        user::{
            UserBytes,
            UserPages, //
        },
    },
    model::{
        error::MapError,
        sg_options::SgOptions, //
    },
    seg::{
        page_addresses::PageAddresses,
        segments::{
            Segment,
            Segments,
            SplitSegments, //
        },
    },
    sys::chunk::Chunk, //
};

pub use self::{
    backing::Sg,
    source::SgSource, //
};

use crate::{
    device::DmaDevice,
    direction::{
        private::Crosses,
        Carries,
        CpuReads,
        CpuWrites,
        Direction, //
    },
    engine::Engine,
    handle::Dma,
    state::{
        Cpu,
        Device, //
    },
};
use kernel::prelude::*;

/// A scattered buffer, mapped for a device; unmapped on drop.
///
/// The mapping owns its buffer. [`map`](SgMapping::map) takes it and gives it to the device behind
/// an [`Engine`]: the driver has [`segments`](SgMapping::segments) with DMA addresses, and no access to
/// the bytes. When the device is done, [`unmap`](Dma::unmap) returns the buffer. Or
/// [`complete`](Dma::complete) gives the mapping to the CPU, which can access the data and
/// [`give`](Dma::give) the mapping to the device again.
///
/// Dropping a mapping that the device owns stops the device first; see [`Dma`].
///
/// C API: `dma_map_sgtable()`; the rest is in the [table](crate::state#transitions).
///
/// # Examples
///
/// ```ignore,run
/// # const ADDRESS: usize = 0x10;
/// # const LENGTH: usize = 0x18;
/// # let buffer = VVec::from_elem(0x5au8, 10_000, GFP_KERNEL)?;
/// # let mut mapped = 0;
/// let mapping = SgMapping::map(dma, buffer, ToDevice, engine, Gfp::Kernel)?;
/// for segment in mapping.segments() {
///     regs.try_write64(segment.address, ADDRESS)?;
///     regs.try_write32(segment.len, LENGTH)?;
/// #     check(segment.address != 0 && segment.len != 0)?;
/// #     mapped += segment.len;
/// }
/// let buffer = mapping.unmap()?;
/// # check(mapped == 10_000 && buffer.iter().all(|byte| *byte == 0x5a))?;
/// ```
pub type SgMapping<'bound, B, D, S> = Dma<Sg<'bound, B>, D, S>;

impl<'bound, B: SgSource, D: Direction, E: Engine> SgMapping<'bound, B, D, Device<E>> {
    /// Maps `buffer` and gives it to the device behind `engine`.
    ///
    /// Maps the buffer's length, never its spare capacity. Elements with a destructor are a build error.
    ///
    /// Context: may sleep with [`Gfp::Kernel`](crate::Gfp::Kernel), any otherwise.
    ///
    /// # Errors
    ///
    /// The buffer comes back with each of them:
    ///
    /// - `EINVAL`: the buffer is empty, or needs more entries than a table can have. Or a part of it
    ///   shares a cache line with other memory, the device writes to it and is not coherent with the
    ///   caches ([`cache_alignment`](DmaDevice::cache_alignment)), and the kernel does not bounce that
    ///   part. It bounces `kmalloc()` buffers that are small enough to share lines, unless they become
    ///   more than one segment. It does not bounce user memory for that.
    /// - `EIO`: the memory can never be mapped. The device cannot reach it, and a bounce buffer cannot
    ///   help: none exists, one is out of reach, or the options forbid it. Or it is larger than the IOMMU's
    ///   address space. Or DMA operations other than the kernel's own have made a segment that exceeds
    ///   `max_segment_size` or crosses `segment_boundary`.
    /// - `EOPNOTSUPP`: coherence is required, and the device's DMA is not coherent.
    /// - `ENOMEM`: no bounce buffer is left, or no IOVA space, or no memory for the table or the IOMMU's
    ///   tables; may succeed later.
    // Forced inline: a call would move the buffer there and back.
    #[inline(always)]
    pub fn map(
        dev: DmaDevice<'bound>,
        buffer: B,
        direction: D,
        engine: E,
        options: impl Into<SgOptions>,
    ) -> Result<Self, MapError<B>>
    where
        D: Carries<B::Element>,
    {
        const { <D as Crosses<B::Element>>::WITHOUT_DESTRUCTOR };
        let _ = direction;

        Self::mapped(dev, buffer, engine, options.into(), Self::counted)
    }

    /// Does what [`map`](Self::map) does, and then `count`. The caller refuses elements with a
    /// destructor.
    #[inline(always)]
    pub(in crate::map) fn mapped(
        dev: DmaDevice<'bound>,
        mut buffer: B,
        engine: E,
        options: SgOptions,
        count: impl FnOnce(Self) -> Self,
    ) -> Result<Self, MapError<B>>
    where
        D: Carries<B::Element>,
    {
        // SAFETY: Nothing accesses the memory of a buffer that is not borrowed, and no other mapping owns
        // it. The handle below owns it, and unmaps it on drop or before it returns it.
        let own = match unsafe { buffer.map::<D>(dev, options) } {
            Ok(own) => own,
            Err(error) => return Err(MapError { error, buffer }),
        };

        // INVARIANT: Mapped above.
        let backing = Sg {
            dev,
            own,
            options: options.map,
            size: buffer.memory().len(),
            buffer,
        };
        // SAFETY: Mapped above in this direction, which synced it for the device.
        Ok(count(unsafe { Self::in_device(backing, engine) }))
    }

    /// Returns the segments for the device.
    ///
    /// Context: any.
    #[inline]
    pub fn segments(&self) -> Segments<'_> {
        self.backing.table().segments()
    }
}

impl<B: SgSource, D: Direction> SgMapping<'_, B, D, Cpu> {
    /// Returns the buffer, with what the device wrote.
    #[inline]
    pub fn buffer(&self) -> &B
    where
        D: CpuReads,
    {
        &self.backing.buffer
    }

    /// Returns the elements that the device wrote.
    #[inline]
    pub fn as_slice(&self) -> &[B::Element]
    where
        B: SgSource<Memory: SgSlice>,
        D: CpuReads,
    {
        self.backing.buffer.memory().as_slice()
    }

    /// Returns the elements, mutably, to write data for the device.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [B::Element]
    where
        B: SgSource<Memory: SgSlice>,
        D: CpuWrites,
    {
        self.backing.buffer.elements_mut()
    }
}
