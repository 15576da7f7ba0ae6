// SPDX-License-Identifier: GPL-2.0

//! Streaming mappings of memory that is scattered in physical pages.
//!
//! C headers: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h),
//! [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

mod addresses;
mod interop;
mod parts;
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
    parts::Sg,
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
    generic::variance::Inside,
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
/// an [`Engine`]: there are [`segments`](SgMapping::segments) with DMA addresses, and no way to
/// the bytes. When the device is done, [`unmap`](Dma::unmap) gives the buffer back, or
/// [`complete`](Dma::complete) makes the mapping the CPU's, for a look at the data and
/// another round with [`give`](Dma::give).
///
/// Dropping a mapping that the device owns stops the device first; see [`Dma`].
///
/// C API: `dma_map_sgtable()`; the rest is in the [table](crate::state#transitions).
///
/// # Examples
///
/// ```ignore
/// # const ADDRESS: usize = 0x10;
/// # const LENGTH: usize = 0x18;
/// # let buffer = VVec::from_elem(0u8, 10_000, GFP_KERNEL)?;
/// let mapping = SgMapping::map(dma, buffer, ToDevice, engine, Gfp::Kernel)?;
/// for segment in mapping.segments() {
///     regs.try_write64(segment.address, ADDRESS)?;
///     regs.try_write32(segment.len, LENGTH)?;
/// }
/// let buffer = mapping.unmap()?;
/// ```
pub type SgMapping<'bound, B, D, S> = Dma<Sg<'bound, B>, D, S>;

impl<'bound, B: SgSource, D: Direction, E: Engine> SgMapping<'bound, B, D, Device<E>> {
    /// Maps `buffer` and gives it to the device behind `engine`.
    ///
    /// What is mapped is the buffer's length, never its spare capacity. Elements that need dropping are
    /// a build error.
    ///
    /// Context: may sleep with [`Gfp::Kernel`](crate::Gfp::Kernel), any otherwise.
    ///
    /// # Errors
    ///
    /// The buffer comes back with each of them:
    ///
    /// - `EINVAL`: the buffer is empty, or a part of it shares a cache line with other memory, and the
    ///   device writes to it, is not coherent with the caches
    ///   ([`cache_alignment`](DmaDevice::cache_alignment)), and the kernel does not bounce that part. It
    ///   does bounce buffers of `kmalloc()` that are so small that they share lines, unless they become
    ///   more than one segment; and it does not bounce user memory for that. Or the buffer needs more
    ///   entries than a table can have.
    /// - `EIO`: this memory never can be mapped: the device cannot reach it, and a bounce buffer
    ///   cannot help, since there is none, or one is out of reach, or the options allow none; or it is
    ///   more than an IOMMU has addresses for. Or code that maps for the device, and is not the
    ///   kernel's own, has made a segment that is beyond `max_segment_size` or lies across
    ///   `segment_boundary`.
    /// - `EOPNOTSUPP`: coherence is required, and the device's DMA is not coherent.
    /// - `ENOMEM`: no bounce buffer is left; or no memory for the table or the IOMMU's tables, or no
    ///   space in them; worth another try later.
    // Inlined by force: the way is straight, and as a call it moves the buffer there and back.
    #[inline(always)]
    pub fn map(
        dev: DmaDevice<'bound>,
        mut buffer: B,
        direction: D,
        engine: E,
        options: impl Into<SgOptions>,
    ) -> Result<Self, MapError<B>>
    where
        D: Carries<B::Element>,
    {
        const { <D as Crosses<B::Element>>::WITHOUT_DESTRUCTOR };
        let _ = direction;
        let options = options.into();

        // SAFETY: Nobody accesses the memory of a buffer that is not borrowed, and no other mapping has
        // this one; it is unmapped by the drop of the handle that has it, or before it comes out of that.
        let own = match unsafe { buffer.map::<D>(dev, options) } {
            Ok(own) => own,
            Err(error) => return Err(MapError { error, buffer }),
        };

        // INVARIANT: Mapped above.
        let backing = Sg {
            dev,
            own,
            options: options.map_options(),
            size: buffer.memory().len(),
            buffer,
        };
        // SAFETY: Mapped above in this direction, which synced it for the device.
        Ok(unsafe { Self::in_device(backing, engine) })
    }

    /// Returns what to tell the device.
    ///
    /// Context: any.
    #[inline]
    pub fn segments(&self) -> Segments<'_> {
        Segments::of(self.backing.table())
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

    /// Returns the elements, to be written for the device.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [B::Element]
    where
        B: SgSource<Memory: SgSlice>,
        D: CpuWrites,
    {
        self.backing.buffer.memory_mut(Inside(())).as_mut_slice()
    }
}
