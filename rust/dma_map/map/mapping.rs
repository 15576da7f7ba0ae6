// SPDX-License-Identifier: GPL-2.0

//! Single mappings: streaming mappings of physically contiguous memory.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)
//!
//! - [`DmaMapping`]: a buffer that the mapping owns; the device can get it many times.
//! - [`with_mapped`]: borrowed memory, mapped while a closure runs.
//! - [`MmioMapping`]: the registers of another device.

mod mapped;
mod mmio;
mod part;
mod scope;

pub use self::{
    mmio::{
        MmioMapping,
        MmioWindow, //
    },
    scope::{
        with_mapped,
        Lend,
        Lent, //
    },
};

pub use crate::{
    buf::{
        contiguous::Contiguous,
        pages::Pages, //
    },
    model::map_options::MapOptions, //
};

use self::mapped::Mapped;
use crate::{
    buf::{
        buffer::{
            check_lines,
            release, //
        },
        contiguous, //
    },
    device::{
        counts::Kind,
        refusal,
        DmaDevice, //
    },
    direction::{
        private::Crosses,
        Carries,
        CpuReads,
        CpuWrites,
        Direction, //
    },
    engine::Engine,
    error::MapError,
    handle::{
        Backing,
        Dma,
        One,
        OneAddress,
        Receiver,
        Unmap, //
    },
    model::sync_attrs::{
        UnmapAttrs,
        MAPPED_FOR_CPU, //
    },
    state::{
        Cpu,
        Device,
        InDevice,
        State, //
    },
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// A contiguous buffer, mapped for a device; unmapped on drop.
///
/// The mapping owns its buffer: a [`KBox`], a [`KVec`], a [`KVVec`] that `kmalloc()` allocated, or
/// [`Pages`]. [`map`](DmaMapping::map) takes it and gives it to the device behind an [`Engine`]: the
/// driver has a [`dma_address`](Dma::dma_address), and no access to the bytes. When the device is done,
/// [`unmap`](Dma::unmap) returns the buffer. Or [`complete`](Dma::complete) gives the mapping to the
/// CPU, which can access the data and [`give`](Dma::give) the mapping to the device again.
/// [`complete_range`](DmaMapping::complete_range) does that for a range of bytes, and syncs only those.
///
/// Dropping a mapping that the device owns stops the device first; see [`Dma`].
///
/// C API: `dma_map_phys()`, as `dma_map_single()` does; the rest is in the
/// [table](crate::state#transitions).
///
/// # Examples
///
/// ```ignore,run
/// # #[repr(C)]
/// # #[derive(FromBytes, IntoBytes)]
/// # struct Request { id: u32 }
/// # const DOORBELL: usize = 0x10;
/// let request = KBox::new(Request { id: 1 }, GFP_KERNEL)?;
/// let mapping = DmaMapping::map(dma, request, ToDevice, engine, MapOptions::new())?;
/// # check(mapping.size() == 4)?;
/// regs.try_write64(mapping.dma_address(), DOORBELL)?;
/// // ...
/// let request = mapping.unmap()?;
/// # check(request.id == 1)?;
/// ```
pub type DmaMapping<'bound, B, D, S> = Dma<Single<'bound, B>, D, S>;

/// A mapped contiguous buffer.
///
/// # Invariants
///
/// `mapped` maps all of `buffer`.
pub struct Single<'bound, B: Contiguous> {
    mapped: Mapped<'bound>,
    buffer: B,
}

// SAFETY: The contents of a buffer stay where they are (safety requirements of `Contiguous`).
unsafe impl<'bound, B: Contiguous> Backing for Single<'bound, B> {
    type Device = DmaDevice<'bound>;
    type Given<E: Engine> = Device<E>;
    type Shape = One;
    const KIND: Kind = Kind::MAPPING;

    #[inline]
    fn device(&self) -> DmaDevice<'bound> {
        self.mapped.dev
    }

    #[inline]
    fn size(&self) -> usize {
        self.mapped.size
    }

    #[inline]
    unsafe fn sync<D: Direction, R: Receiver>(&self) {
        // SAFETY: The memory is mapped in direction `D`, without references to it (safety requirements of
        // this function). The range is all of it.
        unsafe { self.mapped.sync::<D, R>(0..self.mapped.size) };
    }

    #[inline]
    unsafe fn release<D: Direction, S: State>(self) {
        // SAFETY: The memory is mapped in direction `D`, and the device is done (safety requirements of
        // this function).
        unsafe { release::<D, S, B, _>(self) };
    }
}

// SAFETY: The contents of a buffer stay where they are (safety requirements of `Contiguous`).
unsafe impl<B: Contiguous> Unmap for Single<'_, B> {
    type Buffer = B;

    #[inline]
    unsafe fn unmap<D: Direction>(self, end: UnmapAttrs) -> B {
        // SAFETY: The memory is mapped in direction `D`, and the device is done (safety requirements of
        // this function). `self` is consumed.
        unsafe { self.mapped.unmap::<D>(end) };
        self.buffer
    }
}

// SAFETY: `size` bytes are mapped at the address (type invariants of `Mapped`); no buffer that is
// mapped is empty.
unsafe impl<B: Contiguous> OneAddress for Single<'_, B> {
    #[inline]
    fn dma_address(&self) -> DmaAddress {
        self.mapped.address
    }
}

impl<'bound, B: Contiguous, D: Direction, S: State> DmaMapping<'bound, B, D, S> {
    /// Maps `buffer`; `attrs` are for this call only.
    ///
    /// # Safety
    ///
    /// After mapping, the type invariants must hold for what `state` makes.
    // Made after mapping: a state of the device is a barrier to the compiler, which would look up the
    // device again.
    // Forced inline: a call would move the buffer there and back.
    #[inline(always)]
    unsafe fn mapped(
        dev: DmaDevice<'bound>,
        buffer: B,
        options: MapOptions,
        attrs: c_ulong,
        state: impl FnOnce() -> S,
    ) -> Result<Self, MapError<B>>
    where
        D: Carries<B::Element>,
    {
        const {
            let () = <D as Crosses<B::Element>>::WITHOUT_DESTRUCTOR;
            assert!(
                !B::USER,
                "a reference to the contents of memory that others have"
            );
        };
        let mapped = check_lines::<D, B>(dev, &buffer)
            .and_then(|()| contiguous::chunk(&buffer))
            // SAFETY: The chunk is all of the buffer's memory, in the linear mapping, and nothing
            // accesses it while it is not borrowed (safety requirements of `Contiguous` and of
            // `SgBuffer`).
            .and_then(|chunk| unsafe { Mapped::map::<D>(dev, chunk, options.attrs() | attrs) });

        match mapped {
            Ok(mapped) => {
                // INVARIANT: Mapped above.
                let single = Single { mapped, buffer };
                // SAFETY: Mapped above in direction `D`. The type invariants hold for what `state` makes
                // (safety requirements of this function).
                Ok(unsafe { Self::from_parts(single, state()) }.counted())
            }
            Err(error) => {
                let error = match contiguous::chunk(&buffer) {
                    Ok(chunk) => refusal::reason(dev, chunk, D::RAW, options.attrs(), error),
                    Err(_) => error,
                };
                Err(MapError { error, buffer })
            }
        }
    }
}

impl<'bound, B: Contiguous, D: Direction, E: Engine> DmaMapping<'bound, B, D, Device<E>> {
    /// Maps `buffer` and gives it to the device behind `engine`.
    ///
    /// Maps the buffer's length, never its spare capacity. The mapping is one segment within the device's
    /// limits; use [`SgMapping`](crate::SgMapping) for a buffer that needs more. Elements with a
    /// destructor are a build error.
    ///
    /// C API: `dma_map_phys()`, `dma_mapping_error()`. Context: any; does not sleep.
    ///
    /// # Errors
    ///
    /// The buffer comes back with each of them:
    ///
    /// - `EINVAL`: the buffer is empty, is vmalloc memory, is longer than the device's
    ///   `max_segment_size`, or crosses its `segment_boundary`. Or it shares a cache line with other
    ///   memory, the device writes to it and is not coherent with the caches
    ///   ([`cache_alignment`](DmaDevice::cache_alignment)), and the kernel does not bounce it. It bounces
    ///   `kmalloc()` buffers that are small enough to share lines.
    /// - `EIO`: the memory can never be mapped in one piece. The device cannot reach it, or it is such a
    ///   small buffer, and a bounce buffer cannot help: none exists, one is out of reach, none is that
    ///   long, or the options forbid it. Or it is larger than the IOMMU's address space.
    /// - `EOPNOTSUPP`: the options require coherence, and the device's DMA is not coherent.
    /// - `ENOMEM`: no bounce buffer is left, or no IOVA space, or no memory for the IOMMU's tables; may
    ///   succeed later.
    #[inline]
    pub fn map(
        dev: DmaDevice<'bound>,
        buffer: B,
        direction: D,
        engine: E,
        options: MapOptions,
    ) -> Result<Self, MapError<B>>
    where
        D: Carries<B::Element>,
    {
        let _ = direction;

        // SAFETY: Mapping syncs the buffer for the device.
        unsafe { Self::mapped(dev, buffer, options, 0, || Device::of(engine)) }
    }
}

impl<'bound, B: Contiguous, D: Direction> DmaMapping<'bound, B, D, Cpu> {
    /// Maps `buffer` for a device that gets it later, by [`give`](Dma::give).
    ///
    /// For mappings that are prepared before there is data to send, or an engine.
    ///
    /// C API: `dma_map_phys()` with `DMA_ATTR_SKIP_CPU_SYNC`, because `give` syncs. Context: any;
    /// does not sleep.
    ///
    /// # Errors
    ///
    /// Those of [`map`](DmaMapping::map).
    #[inline]
    pub fn map_cpu(
        dev: DmaDevice<'bound>,
        buffer: B,
        direction: D,
        options: MapOptions,
    ) -> Result<Self, MapError<B>>
    where
        D: Carries<B::Element>,
    {
        let _ = direction;

        // SAFETY: The CPU owned the buffer, and no device has its address.
        unsafe { Self::mapped(dev, buffer, options, MAPPED_FOR_CPU, Cpu::new) }
    }

    /// Returns the contents, with what the device wrote: a `&T` of a `KBox<T>`, a slice otherwise.
    #[inline]
    pub fn contents(&self) -> &B::Contents
    where
        D: CpuReads,
    {
        self.backing.buffer.contents()
    }

    /// Returns the contents, mutably, to write data for the device.
    #[inline]
    pub fn contents_mut(&mut self) -> &mut B::Contents
    where
        D: CpuWrites,
    {
        self.backing.buffer.contents_mut()
    }
}
