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

use self::parts::Parts;

use crate::{
    buf::buffer::{
        check_lines,
        release,
        Made, //
    },
    device::{
        lines::Lines,
        DmaDevice, //
    },
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
    error::Busy,
    model::sync_attrs::UnmapAttrs,
    seg::table::Table,
    state::{
        Cpu,
        Device,
        State, //
    },
    sys::{
        ffi,
        ledger, //
    },
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// A scattered buffer, mapped for a device; unmapped on drop.
///
/// The mapping owns its buffer. [`map`](SgMapping::map) takes it and gives it to the device behind
/// an [`Engine`]: there are [`segments`](SgMapping::segments) with DMA addresses, and no way to
/// the bytes. When the device is done, [`unmap`](SgMapping::unmap) gives the buffer back, or
/// [`complete`](SgMapping::complete) makes the mapping the CPU's, for a look at the data and
/// another round with [`give`](SgMapping::give).
///
/// Dropping a mapping that the device owns asks the engine first: a device that is busy is
/// stopped, and if it can't be stopped, buffer and mapping are quarantined (see
/// [`Engine::quiesce`]). A mapping that is leaked leaks its buffer; the device can do no harm.
///
/// C API: `dma_map_sgtable()`, `dma_unmap_sgtable()`, `dma_sync_sgtable_for_cpu()`,
/// `dma_sync_sgtable_for_device()`. Drop context: any; where the buffer may not be freed, that
/// is put off to a workqueue.
///
/// # Invariants
///
/// - The table, which is `own_table` or the buffer's, describes all of `buffer`, and is mapped for `dev`
///   in direction `D` with `options`; or it is empty, within an [`SgAddresses`], and needs no unmap.
/// - In the [`Cpu`] state the mapping is synced for the CPU, and the device does not access it.
/// - In the [`Device`] state it is synced for the device.
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
pub struct SgMapping<'bound, B: SgBuffer, D: Direction, S: State> {
    // Not dropped with the mapping: memory that is quarantined stays.
    parts: ManuallyDrop<Parts<'bound, B>>,
    state: S,
    _direction: PhantomData<D>,
}

impl<'bound, B: SgBuffer, D: Direction, S: State> SgMapping<'bound, B, D, S> {
    /// Returns the number of bytes that are mapped.
    #[inline]
    pub fn size(&self) -> usize {
        self.parts.size
    }

    /// Returns the device that the buffer is mapped for.
    #[inline]
    pub fn device(&self) -> DmaDevice<'bound> {
        self.parts.dev
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

impl<'bound, B: SgBuffer, D: Direction, E: Engine> SgMapping<'bound, B, D, Device<E>> {
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

        let own_table = match Self::try_map(dev, &mut buffer, options) {
            Ok(table) => table,
            Err(error) => return Err(MapError { error, buffer }),
        };

        // INVARIANT: Mapped above, which synced it for the device.
        Ok(Self {
            parts: ManuallyDrop::new(Parts {
                dev,
                own_table,
                options: options.map_options(),
                size: buffer.len(),
                buffer,
            }),
            state: Device::new(engine),
            _direction: PhantomData,
        })
    }

    /// DMA debugging counts mappings that start in one cache line, and warns of many. There may be
    /// as many as there is memory: neighbours, where DMA is coherent with the caches
    /// ([`check_lines`]), some of them lent byte by byte; and user space may give the same memory
    /// twice, to this device or to another one, and harms its own data only.
    const MAP_ATTRS: c_ulong =
        (bindings::DMA_ATTR_NO_WARN | bindings::DMA_ATTR_DEBUGGING_IGNORE_CACHELINES) as c_ulong;

    #[inline(always)]
    fn try_map(dev: DmaDevice<'_>, buffer: &mut B, options: SgOptions) -> Result<Table> {
        check_lines::<D, B>(dev, buffer)?;

        let line = ledger::Line::new()?;
        let Made { mut table, within } = buffer.make_table(dev, options)?;
        if let Some(lines) = Lines::written::<D>(dev) {
            let table = buffer.kept_table().unwrap_or(&table);
            lines.check_lengths(table.lengths())?;
        }
        let attrs = options.attrs() | Self::MAP_ATTRS;
        // Where caches are maintained, C bounces small pieces that the device writes, wherever they are.
        if cfg!(CONFIG_DMA_BOUNCE_UNALIGNED_KMALLOC) && !dev.reach().settled() {
            let table = buffer.kept_table().unwrap_or(&table);
            table.check_reach(dev, D::RAW, attrs)?;
        }
        // SAFETY: The table describes memory that the buffer owns and that nobody accesses, and is not
        // mapped, as no other mapping has the buffer. What is known of it holds (safety requirements of
        // `SgBuffer`). One that the buffer keeps is mapped there, and nothing else.
        unsafe {
            match buffer.kept_table_mut() {
                None => table.map(dev, D::RAW, attrs)?,
                Some(kept) => kept.map_in_place(dev, D::RAW, attrs, within)?,
            }
        }
        line.enter(dev.as_raw(), || {
            let table = buffer.kept_table().unwrap_or(&table);
            table.entry(D::RAW, options.attrs())
        });

        Ok(table)
    }

    /// Returns what to tell the device.
    ///
    /// Context: any.
    #[inline]
    pub fn segments(&self) -> Segments<'_> {
        Segments::of(self.parts.table())
    }

    /// Takes the mapping back for the CPU when the device is done, and syncs it.
    ///
    /// C API: `dma_sync_sgtable_for_cpu()`. Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the mapping if the engine is not idle.
    #[inline]
    pub fn complete(self) -> Result<SgMapping<'bound, B, D, Cpu>, Busy<Self>> {
        if engine::is_idle(&self.state.0) {
            // SAFETY: The engine is idle.
            Ok(unsafe { self.into_cpu() })
        } else {
            Err(Busy(self))
        }
    }

    /// Takes the mapping back for the CPU, stopping the device if it is not done.
    ///
    /// C API: `dma_sync_sgtable_for_cpu()`. Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the mapping if the device cannot be stopped.
    #[inline]
    pub fn cancel(self) -> Result<SgMapping<'bound, B, D, Cpu>, Busy<Self>> {
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
    pub(crate) unsafe fn into_cpu(self) -> SgMapping<'bound, B, D, Cpu> {
        let (parts, _engine) = self.into_parts();

        // SAFETY: By the type invariants the table is mapped for the device in this direction.
        unsafe {
            if ffi::need_sync(parts.dev.as_raw()) {
                bindings::__dma_sync_sg_for_cpu(
                    parts.dev.as_raw(),
                    parts.table().sgl(),
                    parts.table().entries(),
                    D::RAW,
                );
            }
        }

        // INVARIANT: The caller has seen that the device is done; synced above.
        SgMapping {
            parts: ManuallyDrop::new(parts),
            state: Cpu::new(),
            _direction: PhantomData,
        }
    }

    /// Unmaps the buffer when the device is done, and gives it back.
    ///
    /// C API: `dma_unmap_sgtable()`, which syncs. Context: any.
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

        // SAFETY: The table is mapped, the device is done, and the mapping is not used again.
        unsafe { parts.unmap::<D>(UnmapAttrs::given_back::<D, Device<E>>()) };
        Ok(parts.buffer)
    }
}

impl<'bound, B: SgBuffer, D: Direction> SgMapping<'bound, B, D, Cpu> {
    /// Syncs the mapping and gives it to the device behind `engine`.
    ///
    /// C API: `dma_sync_sgtable_for_device()`. Context: any.
    #[inline]
    pub fn give<E: Engine>(self, engine: E) -> SgMapping<'bound, B, D, Device<E>> {
        let (parts, _) = self.into_parts();

        // SAFETY: By the type invariants the table is mapped for the device in this direction.
        unsafe {
            if ffi::need_sync(parts.dev.as_raw()) {
                bindings::__dma_sync_sg_for_device(
                    parts.dev.as_raw(),
                    parts.table().sgl(),
                    parts.table().entries(),
                    D::RAW,
                );
            }
        }

        // INVARIANT: Synced above.
        SgMapping {
            parts: ManuallyDrop::new(parts),
            state: Device::new(engine),
            _direction: PhantomData,
        }
    }

    /// Unmaps the buffer and gives it back.
    ///
    /// C API: `dma_unmap_sgtable()` with `DMA_ATTR_SKIP_CPU_SYNC`, because the mapping is in sync.
    /// Context: any.
    #[inline]
    pub fn unmap(self) -> B {
        let (parts, _) = self.into_parts();

        // SAFETY: The table is mapped, the device is done, and the mapping is not used again.
        unsafe { parts.unmap::<D>(UnmapAttrs::given_back::<D, Cpu>()) };
        parts.buffer
    }

    /// Returns the buffer, with what the device wrote.
    #[inline]
    pub fn buffer(&self) -> &B
    where
        D: CpuReads,
    {
        &self.parts.buffer
    }

    /// Returns the elements that the device wrote.
    #[inline]
    pub fn as_slice(&self) -> &[B::Element]
    where
        B: SgSlice,
        D: CpuReads,
    {
        self.parts.buffer.as_slice()
    }

    /// Returns the elements, to be written for the device.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [B::Element]
    where
        B: SgSlice,
        D: CpuWrites,
    {
        self.parts.buffer.as_mut_slice()
    }
}

impl<B: SgBuffer, D: Direction, S: State> Drop for SgMapping<'_, B, D, S> {
    fn drop(&mut self) {
        if !self.state.stop() {
            self.parts.dev.quarantine(self.size());
            return;
        }

        // SAFETY: `parts` is not used again.
        let parts = unsafe { ManuallyDrop::take(&mut self.parts) };
        // What has no table needs no unmap (`SgAddresses`).
        if !parts.table().is_empty() {
            // SAFETY: The table is mapped, as it is not empty (type invariant), the device is done, and
            // the mapping is not used again.
            unsafe { parts.unmap::<D>(UnmapAttrs::dropped::<D, S, B>()) };
        }

        let Parts {
            dev,
            own_table,
            buffer,
            ..
        } = parts;
        drop(own_table);
        release(dev, buffer);
    }
}
