// SPDX-License-Identifier: GPL-2.0

//! Streaming mappings of memory that is physically contiguous.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)
//!
//! - [`DmaMapping`]: a buffer that the mapping owns; it may be given to the device again and again.
//! - [`with_mapped`]: memory that the caller keeps, mapped while a function runs.
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
    device::DmaDevice,
    direction::{
        private::Crosses,
        Carries,
        CpuReads,
        CpuWrites,
        Direction, //
    },
    engine::Engine,
    error::MapError,
    generic::variance::Inside,
    handle::{
        Backing,
        Dma,
        One,
        OneAddress,
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
/// The mapping owns its buffer: a [`KBox`], a [`KVec`], a [`KVVec`] that `kmalloc()` had room for,
/// or [`Pages`]. [`map`](DmaMapping::map) takes it and gives it to the device behind an [`Engine`]:
/// there is a [`dma_address`](Dma::dma_address), and no way to the bytes. When the device is
/// done, [`unmap`](Dma::unmap) gives the buffer back, or [`complete`](Dma::complete)
/// makes the mapping the CPU's, for a look at the data and another round with
/// [`give`](Dma::give). [`complete_range`](DmaMapping::complete_range) does that for some of
/// the bytes, and syncs no others.
///
/// Dropping a mapping that the device owns stops the device first; see [`Dma`].
///
/// C API: `dma_map_phys()`, as `dma_map_single()` does; the rest is in the
/// [table](crate::state#transitions).
///
/// # Examples
///
/// ```ignore
/// # #[repr(C)]
/// # #[derive(FromBytes, IntoBytes)]
/// # struct Request { id: u32 }
/// # const DOORBELL: usize = 0x10;
/// let request = KBox::new(Request { id: 1 }, GFP_KERNEL)?;
/// let mapping = DmaMapping::map(dma, request, ToDevice, engine, MapOptions::new())?;
/// regs.try_write64(mapping.dma_address(), DOORBELL)?;
/// // ...
/// let request = mapping.unmap()?;
/// ```
pub type DmaMapping<'bound, B, D, S> = Dma<Single<'bound, B>, D, S>;

/// A contiguous buffer that is mapped.
///
/// # Invariants
///
/// `mapped` is all of `buffer`.
pub struct Single<'bound, B: Contiguous> {
    mapped: Mapped<'bound>,
    buffer: B,
}

// SAFETY: What is mapped and the contents of a buffer stay where they are (safety requirements of
// `Contiguous`).
unsafe impl<'bound, B: Contiguous> Backing for Single<'bound, B> {
    type Device = DmaDevice<'bound>;
    type Given<E: Engine> = Device<E>;
    type Shape = One;

    #[inline]
    fn device(&self) -> DmaDevice<'bound> {
        self.mapped.device()
    }

    #[inline]
    fn size(&self) -> usize {
        self.mapped.size()
    }

    #[inline]
    unsafe fn sync_for_cpu<D: Direction>(&self) {
        // SAFETY: By the safety requirements of this function.
        unsafe { self.mapped.sync_for_cpu::<D>(0..self.mapped.size()) };
    }

    #[inline]
    unsafe fn sync_for_device<D: Direction>(&self) {
        // SAFETY: By the safety requirements of this function.
        unsafe { self.mapped.sync_for_device::<D>(0..self.mapped.size()) };
    }

    #[inline]
    unsafe fn release<D: Direction, S: State>(self) {
        // SAFETY: By the safety requirements of this function.
        unsafe { self.mapped.unmap::<D>(UnmapAttrs::dropped::<D, S, B>()) };
        release::<B, _>(self.mapped.device(), self.mapped.size(), self.buffer);
    }
}

// SAFETY: As above.
unsafe impl<B: Contiguous> Unmap for Single<'_, B> {
    type Buffer = B;

    #[inline]
    unsafe fn unmap<D: Direction, S: State>(self) -> B {
        // SAFETY: By the safety requirements of this function.
        unsafe { self.mapped.unmap::<D>(UnmapAttrs::given_back::<D, S>()) };
        self.buffer
    }
}

// SAFETY: By the type invariants of `Mapped`; it is not empty.
unsafe impl<B: Contiguous> OneAddress for Single<'_, B> {
    #[inline]
    fn dma_address(&self) -> DmaAddress {
        self.mapped.address()
    }
}

impl<'bound, B: Contiguous, D: Direction, S: State> DmaMapping<'bound, B, D, S> {
    /// Maps `buffer`; `attrs` are for this call only.
    ///
    /// # Safety
    ///
    /// What the type invariants say of `state` must hold.
    // Inlined by force: as a call it moves the buffer there and back.
    #[inline(always)]
    unsafe fn mapped(
        dev: DmaDevice<'bound>,
        buffer: B,
        options: MapOptions,
        attrs: c_ulong,
        state: S,
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
            // SAFETY: The chunk is all of the buffer's memory, in the linear mapping, and nobody
            // accesses it while it is not borrowed (safety requirements of `Contiguous` and of
            // `SgBuffer`).
            .and_then(|chunk| unsafe { Mapped::map::<D>(dev, chunk, options.attrs() | attrs) });

        match mapped {
            // INVARIANT: Mapped above.
            //
            // SAFETY: In this direction. What the state says of it holds by the safety requirements of this function.
            Ok(mapped) => Ok(unsafe { Self::from_parts(Single { mapped, buffer }, state) }),
            Err(error) => {
                let error = match contiguous::chunk(&buffer) {
                    Ok(chunk) => mapped::reason::<D>(dev, chunk, options.attrs(), error),
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
    /// Elements that need dropping are a build error.
    ///
    /// What is mapped is the buffer's length, never its spare capacity. The mapping is one segment
    /// within the device's limits; [`SgMapping`](crate::SgMapping) takes what needs more of them.
    ///
    /// C API: `dma_map_phys()`, `dma_mapping_error()`. Context: any; does not sleep.
    ///
    /// # Errors
    ///
    /// The buffer comes back with each of them:
    ///
    /// - `EINVAL`: the buffer is empty; it is vmalloc memory; it is longer than the device's
    ///   `max_segment_size`, or lies across its `segment_boundary`; or it shares a cache line with
    ///   other memory, and the device writes to it, is not coherent with the caches
    ///   ([`cache_alignment`](DmaDevice::cache_alignment)), and the kernel does not bounce the buffer
    ///   for that. It does bounce those of `kmalloc()` that are so small that they share lines.
    /// - `EIO`: this memory never can be mapped in one piece: the device cannot reach it, or such a small
    ///   buffer is to be bounced, and a bounce buffer cannot help, since there is none, or one is out of
    ///   reach, or none is that long, or the options rule it out; or an IOMMU does not have so many
    ///   addresses.
    /// - `EOPNOTSUPP`: the options ask for coherence, and the device's DMA is not coherent.
    /// - `ENOMEM`: no bounce buffer is left, or no memory for the IOMMU's tables, or no space in
    ///   them; worth another try later.
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

        // SAFETY: Mapping syncs for the device.
        unsafe { Self::mapped(dev, buffer, options, 0, Device::of(engine, Inside(()))) }
    }
}

impl<'bound, B: Contiguous, D: Direction> DmaMapping<'bound, B, D, Cpu> {
    /// Maps `buffer` for a device that gets it later, by [`give`](Dma::give).
    ///
    /// The way to have mappings ready before there is something to send, or an engine.
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

        // SAFETY: The buffer was the CPU's, and no device has been told of it.
        unsafe { Self::mapped(dev, buffer, options, MAPPED_FOR_CPU, Cpu::new()) }
    }

    /// Returns what the device wrote: a `&T` of a `KBox<T>`, a slice otherwise.
    #[inline]
    pub fn contents(&self) -> &B::Contents
    where
        D: CpuReads,
    {
        self.backing.buffer.contents()
    }

    /// Returns the contents, to be written for the device.
    #[inline]
    pub fn contents_mut(&mut self) -> &mut B::Contents
    where
        D: CpuWrites,
    {
        self.backing.buffer.contents_mut()
    }
}
