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
    part::Refused,
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
    engine::{
        self,
        Engine, //
    },
    error::{
        Busy,
        MapError, //
    },
    model::sync_attrs::{
        UnmapAttrs,
        MAPPED_FOR_CPU, //
    },
    state::{
        Cpu,
        Device,
        State, //
    },
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// A contiguous buffer, mapped for a device; unmapped on drop.
///
/// The mapping owns its buffer: a [`KBox`], a [`KVec`], a [`KVVec`] that `kmalloc()` had room for,
/// or [`Pages`]. [`map`](DmaMapping::map) takes it and gives it to the device behind an [`Engine`]:
/// there is a [`dma_address`](DmaMapping::dma_address), and no way to the bytes. When the device is
/// done, [`unmap`](DmaMapping::unmap) gives the buffer back, or [`complete`](DmaMapping::complete)
/// makes the mapping the CPU's, for a look at the data and another round with
/// [`give`](DmaMapping::give). [`complete_range`](DmaMapping::complete_range) does that for some of
/// the bytes, and syncs no others.
///
/// Dropping a mapping that the device owns asks the engine first: a device that is busy is
/// stopped, and if it can't be stopped, buffer and mapping are quarantined (see
/// [`Engine::quiesce`]). A mapping that is leaked leaks its buffer; the device can do no harm.
///
/// C API: `dma_map_phys()`, as `dma_map_single()` does, `dma_unmap_phys()`,
/// `dma_sync_single_for_cpu()`, `dma_sync_single_for_device()`. A sync is one branch where the
/// device needs none. Drop context: any; where the buffer may not be freed, that is put off to a
/// workqueue.
///
/// # Invariants
///
/// - `mapped` is all of `buffer`, mapped in direction `D`.
/// - In the [`Cpu`] state the mapping is synced for the CPU, and the device does not access it.
/// - In the [`Part`](crate::Part) state that holds for the range, which lies within the buffer and
///   is not empty; the rest is as in the [`Device`] state, and the device does not access it either.
/// - In the [`Device`] state it is synced for the device.
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
pub struct DmaMapping<'bound, B: Contiguous, D: Direction, S: State> {
    // Not dropped with the mapping: memory that is quarantined stays.
    parts: ManuallyDrop<Parts<'bound, B>>,
    state: S,
    _direction: PhantomData<D>,
}

/// What a mapping is made of, whatever its state.
struct Parts<'bound, B> {
    mapped: Mapped<'bound>,
    buffer: B,
}

impl<'bound, B: Contiguous, D: Direction, S: State> DmaMapping<'bound, B, D, S> {
    /// Returns the number of bytes that are mapped.
    #[inline]
    pub fn size(&self) -> usize {
        self.parts.mapped.size()
    }

    /// Returns the device that the buffer is mapped for.
    #[inline]
    pub fn device(&self) -> DmaDevice<'bound> {
        self.parts.mapped.device()
    }

    /// Maps `buffer`; `attrs` are for this call only.
    // Inlined by force: as a call it moves the buffer there and back.
    #[inline(always)]
    fn new(
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
            // INVARIANT: Mapped above. What the state says of it is up to the callers.
            Ok(mapped) => Ok(Self {
                parts: ManuallyDrop::new(Parts { mapped, buffer }),
                state,
                _direction: PhantomData,
            }),
            Err(error) => {
                let error = match contiguous::chunk(&buffer) {
                    Ok(chunk) => mapped::reason::<D>(dev, chunk, options.attrs(), error),
                    Err(_) => error,
                };
                Err(MapError { error, buffer })
            }
        }
    }

    /// Takes the mapping apart, without unmapping.
    #[inline]
    fn into_parts(self) -> (Parts<'bound, B>, S) {
        let this = ManuallyDrop::new(self);

        // SAFETY: `this` is not dropped and not used again, so each field is moved out once.
        unsafe {
            (
                ManuallyDrop::into_inner(core::ptr::read(&this.parts)),
                core::ptr::read(&this.state),
            )
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

        // INVARIANT: Mapping syncs for the device.
        Self::new(dev, buffer, options, 0, Device::new(engine))
    }

    /// Returns the address at which the device reaches the buffer.
    ///
    /// The whole of it is at the addresses from here on, contiguously. Context: any.
    #[inline]
    pub fn dma_address(&self) -> DmaAddress {
        self.parts.mapped.address()
    }

    /// Takes the mapping back for the CPU when the device is done, and syncs it.
    ///
    /// C API: `dma_sync_single_for_cpu()`. Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the mapping if the engine is not idle.
    #[inline]
    pub fn complete(self) -> Result<DmaMapping<'bound, B, D, Cpu>, Busy<Self>> {
        if engine::is_idle(&self.state.0) {
            // SAFETY: The engine is idle.
            Ok(unsafe { self.into_cpu() })
        } else {
            Err(Busy(self))
        }
    }

    /// Takes the mapping back for the CPU, stopping the device if it is not done.
    ///
    /// C API: `dma_sync_single_for_cpu()`. Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the mapping if the device cannot be stopped.
    #[inline]
    pub fn cancel(self) -> Result<DmaMapping<'bound, B, D, Cpu>, Busy<Self>> {
        if self.state.stop() {
            // SAFETY: The engine is stopped.
            Ok(unsafe { self.into_cpu() })
        } else {
            Err(Busy(self))
        }
    }

    /// What the transition is asked of.
    #[inline]
    pub(crate) fn engine(&self) -> &E {
        &self.state.0
    }

    /// The transition to the CPU.
    ///
    /// # Safety
    ///
    /// The engine must be idle, or must have been stopped since it was told of this memory.
    #[inline]
    pub(crate) unsafe fn into_cpu(self) -> DmaMapping<'bound, B, D, Cpu> {
        let (parts, _engine) = self.into_parts();

        // SAFETY: By the type invariants it is mapped in this direction; the device is done.
        unsafe { parts.mapped.sync_for_cpu::<D>(0..parts.mapped.size()) };

        // INVARIANT: The caller has seen that the device is done; synced above.
        DmaMapping {
            parts: ManuallyDrop::new(parts),
            state: Cpu::new(),
            _direction: PhantomData,
        }
    }

    /// Unmaps the buffer when the device is done, and gives it back.
    ///
    /// C API: `dma_unmap_phys()`, which syncs. Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the mapping if the engine is not idle.
    #[inline]
    pub fn unmap(self) -> Result<B, Busy<Self>> {
        if !engine::is_idle(&self.state.0) {
            return Err(Busy(self));
        }
        // The engine is dropped last: its drop may give away what the transfer had, a slot in a queue.
        let (parts, _engine) = self.into_parts();

        // SAFETY: It is mapped in this direction, the device is done, and it is not used again.
        unsafe {
            parts
                .mapped
                .unmap::<D>(UnmapAttrs::given_back::<D, Device<E>>())
        };
        Ok(parts.buffer)
    }
}

impl<'bound, B: Contiguous, D: Direction> DmaMapping<'bound, B, D, Cpu> {
    /// Maps `buffer` for a device that gets it later, by [`give`](Self::give).
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

        // INVARIANT: The buffer was the CPU's, and no device has been told of it.
        Self::new(dev, buffer, options, MAPPED_FOR_CPU, Cpu::new())
    }

    /// Syncs the mapping and gives it to the device behind `engine`.
    ///
    /// C API: `dma_sync_single_for_device()`. Context: any.
    #[inline]
    pub fn give<E: Engine>(self, engine: E) -> DmaMapping<'bound, B, D, Device<E>> {
        let (parts, _) = self.into_parts();

        // SAFETY: By the type invariants it is mapped in this direction. The handle was consumed,
        // so the CPU is done.
        unsafe { parts.mapped.sync_for_device::<D>(0..parts.mapped.size()) };

        // INVARIANT: Synced above.
        DmaMapping {
            parts: ManuallyDrop::new(parts),
            state: Device::new(engine),
            _direction: PhantomData,
        }
    }

    /// Unmaps the buffer and gives it back.
    ///
    /// C API: `dma_unmap_phys()` with `DMA_ATTR_SKIP_CPU_SYNC`, because the mapping is in sync.
    /// Context: any.
    #[inline]
    pub fn unmap(self) -> B {
        let (parts, _) = self.into_parts();

        // SAFETY: It is mapped in this direction, the device is done, and it is not used again.
        unsafe { parts.mapped.unmap::<D>(UnmapAttrs::given_back::<D, Cpu>()) };
        parts.buffer
    }

    /// Returns what the device wrote: a `&T` of a `KBox<T>`, a slice otherwise.
    #[inline]
    pub fn contents(&self) -> &B::Contents
    where
        D: CpuReads,
    {
        self.parts.buffer.contents()
    }

    /// Returns the contents, to be written for the device.
    #[inline]
    pub fn contents_mut(&mut self) -> &mut B::Contents
    where
        D: CpuWrites,
    {
        self.parts.buffer.contents_mut()
    }
}

impl<B: Contiguous, D: Direction, S: State> Drop for DmaMapping<'_, B, D, S> {
    #[inline]
    fn drop(&mut self) {
        let dev = self.device();

        if !self.state.stop() {
            dev.quarantine(self.size());
            return;
        }

        // SAFETY: `parts` is not used again.
        let Parts { mapped, buffer } = unsafe { ManuallyDrop::take(&mut self.parts) };
        // SAFETY: It is mapped in this direction (type invariant), the device is done, and it is
        // not used again.
        unsafe { mapped.unmap::<D>(UnmapAttrs::dropped::<D, S, B>()) };
        release(dev, buffer);
    }
}
