// SPDX-License-Identifier: GPL-2.0

//! Streaming mappings that an IOMMU makes contiguous for the device.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

mod linked;
mod space;

pub use crate::seg::iova_segments::IovaSegments;

use self::{
    linked::Linked,
    space::Space, //
};
use super::sg::SgMapping;
use crate::{
    buf::{
        buffer::{
            check_lines,
            SgBuffer,
            SgSlice, //
        },
        page_list::PageList, //
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
    error::{
        Busy,
        MapError, //
    },
    model::sg_options::SgOptions,
    state::{
        Cpu,
        Device,
        State, //
    },
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// A scattered buffer, at one range of addresses for the device if there is an IOMMU; unmapped on
/// drop.
///
/// The API and the states are those of [`SgMapping`]. What differs is how the buffer is mapped:
///
/// - Behind an IOMMU, one range of addresses is allocated, the pieces of the buffer are linked into
///   it, and the IOMMU is synced once for all of them. There is no table: neither memory for it,
///   nor a walk over it. [`use_iova`](Self::use_iova) is true, and
///   [`contiguous`](IovaMapping::contiguous) is the one address.
/// - Otherwise it is an [`SgMapping`]. That is so without an IOMMU; where the buffer has gaps that
///   an IOMMU's page cannot bridge (a piece in the middle that does not start and end at a page of
///   the IOMMU); where the device is not coherent, or not trusted with all of a page; and where
///   there is no range of that size left.
///
/// A driver that goes by [`segments`](IovaMapping::segments) need not care.
///
/// C API: `dma_iova_try_alloc()`, `dma_iova_link()`, `dma_iova_sync()`, `dma_iova_destroy()`. Drop
/// context: any; where the buffer may not be freed, that is put off to a workqueue.
///
/// # Invariants
///
/// Those of its two forms.
///
/// # Examples
///
/// ```ignore
/// # const ADDRESS: usize = 0x10;
/// # const LENGTH: usize = 0x18;
/// # let buffer = VVec::from_elem(0u8, 10_000, GFP_KERNEL)?;
/// let mapping = IovaMapping::map(dma, buffer, ToDevice, engine, Gfp::Kernel)?;
/// for segment in mapping.segments() {
///     regs.try_write64(segment.address, ADDRESS)?;
///     regs.try_write32(segment.len, LENGTH)?;
/// }
/// let buffer = mapping.unmap()?;
/// ```
pub struct IovaMapping<'bound, B: SgBuffer, D: Direction, S: State> {
    form: Form<'bound, B, D, S>,
}

/// How the buffer is mapped.
enum Form<'bound, B: SgBuffer, D: Direction, S: State> {
    Linked(Linked<'bound, B, D, S>),
    Table(SgMapping<'bound, B, D, S>),
}

impl<'bound, B: SgBuffer, D: Direction, S: State> IovaMapping<'bound, B, D, S> {
    /// Returns the number of bytes that are mapped.
    #[inline]
    pub fn size(&self) -> usize {
        match &self.form {
            Form::Linked(linked) => linked.size(),
            Form::Table(mapping) => mapping.size(),
        }
    }

    /// Returns the device that the buffer is mapped for.
    #[inline]
    pub fn device(&self) -> DmaDevice<'bound> {
        match &self.form {
            Form::Linked(linked) => linked.device(),
            Form::Table(mapping) => mapping.device(),
        }
    }

    /// Returns whether the buffer has a range of the IOMMU's addresses to itself.
    ///
    /// C API: `dma_use_iova()`. Context: any.
    #[inline]
    pub fn use_iova(&self) -> bool {
        matches!(self.form, Form::Linked(_))
    }

    #[inline]
    fn linked(linked: Linked<'bound, B, D, S>) -> Self {
        Self {
            form: Form::Linked(linked),
        }
    }

    #[inline]
    fn table(mapping: SgMapping<'bound, B, D, S>) -> Self {
        Self {
            form: Form::Table(mapping),
        }
    }
}

impl<'bound, B: SgBuffer, D: Direction, E: Engine> IovaMapping<'bound, B, D, Device<E>> {
    /// Maps `buffer` and gives it to the device behind `engine`.
    ///
    /// What is mapped is the buffer's length, never its spare capacity; an IOMMU maps whole pages.
    /// Elements that need dropping are a build error.
    ///
    /// Context: may sleep with [`Gfp::Kernel`](crate::Gfp::Kernel), any otherwise.
    ///
    /// # Errors
    ///
    /// The buffer comes back with each of them, and nothing of it is mapped:
    ///
    /// - `EINVAL`, `EIO`, `EOPNOTSUPP`, `ENOMEM`: as [`SgMapping::map`].
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
        let options = options.into();
        let space = match Self::try_link(dev, &buffer, options) {
            Ok(space) => space,
            Err(error) => return Err(MapError { error, buffer }),
        };

        match space {
            Some(space) => Ok(Self::linked(Linked::new(dev, space, buffer, engine))),
            None => SgMapping::map(dev, buffer, direction, engine, options).map(Self::table),
        }
    }

    fn try_link(dev: DmaDevice<'_>, buffer: &B, options: SgOptions) -> Result<Option<Space>> {
        if buffer.is_empty() {
            return Err(EINVAL);
        }
        // The same answer on each machine, whether it has an IOMMU or not.
        check_lines::<D, B>(dev, buffer)?;

        Space::link::<B, D>(dev, buffer, options.attrs())
    }

    /// Returns what to tell the device.
    ///
    /// The segments honour the device's `max_segment_size` and `segment_boundary`. Context: any.
    #[inline]
    pub fn segments(&self) -> IovaSegments<'_> {
        match &self.form {
            Form::Linked(linked) => {
                IovaSegments::of_range(linked.device(), linked.address(), linked.size())
            }
            Form::Table(mapping) => IovaSegments::of_table(mapping.segments()),
        }
    }

    /// Returns the address of the first byte, if all of the buffer is at the addresses from there
    /// on.
    ///
    /// For a device that takes it in one piece: limits on segments do not count here. `None` if
    /// the buffer has no range to itself, though it may be one segment. Context: any.
    #[inline]
    pub fn contiguous(&self) -> Option<DmaAddress> {
        match &self.form {
            Form::Linked(linked) => Some(linked.address()),
            Form::Table(_) => None,
        }
    }

    /// Takes the mapping back for the CPU when the device is done, and syncs it.
    ///
    /// A linked buffer needs no sync. Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the mapping if the engine is not idle.
    pub fn complete(self) -> Result<IovaMapping<'bound, B, D, Cpu>, Busy<Self>> {
        match self.form {
            Form::Linked(linked) => linked
                .complete()
                .map(IovaMapping::linked)
                .map_err(|busy| Busy(Self::linked(busy.0))),
            Form::Table(mapping) => mapping
                .complete()
                .map(IovaMapping::table)
                .map_err(|busy| Busy(Self::table(busy.0))),
        }
    }

    /// Takes the mapping back for the CPU, stopping the device if it is not done.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the mapping if the device cannot be stopped.
    pub fn cancel(self) -> Result<IovaMapping<'bound, B, D, Cpu>, Busy<Self>> {
        match self.form {
            Form::Linked(linked) => linked
                .cancel()
                .map(IovaMapping::linked)
                .map_err(|busy| Busy(Self::linked(busy.0))),
            Form::Table(mapping) => mapping
                .cancel()
                .map(IovaMapping::table)
                .map_err(|busy| Busy(Self::table(busy.0))),
        }
    }

    /// What the transition is asked of.
    #[inline]
    pub(crate) fn engine(&self) -> &E {
        match &self.form {
            Form::Linked(linked) => linked.engine(),
            Form::Table(mapping) => mapping.engine(),
        }
    }

    /// The transition to the CPU.
    ///
    /// # Safety
    ///
    /// The engine must be idle, or must have been stopped since it was told of this memory.
    pub(crate) unsafe fn into_cpu(self) -> IovaMapping<'bound, B, D, Cpu> {
        match self.form {
            // SAFETY: By the safety requirements of this function.
            Form::Linked(linked) => IovaMapping::linked(unsafe { linked.into_cpu() }),
            // SAFETY: By the safety requirements of this function.
            Form::Table(mapping) => IovaMapping::table(unsafe { mapping.into_cpu() }),
        }
    }

    /// Unmaps the buffer when the device is done, and gives it back.
    ///
    /// C API: `dma_iova_destroy()`. Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the mapping if the engine is not idle.
    pub fn unmap(self) -> Result<B, Busy<Self>> {
        match self.form {
            Form::Linked(linked) => linked.unmap().map_err(|busy| Busy(Self::linked(busy.0))),
            Form::Table(mapping) => mapping.unmap().map_err(|busy| Busy(Self::table(busy.0))),
        }
    }
}

impl<'bound, B: SgBuffer, D: Direction> IovaMapping<'bound, B, D, Cpu> {
    /// Syncs the mapping and gives it to the device behind `engine`.
    ///
    /// A linked buffer needs no sync. Context: any.
    pub fn give<E: Engine>(self, engine: E) -> IovaMapping<'bound, B, D, Device<E>> {
        match self.form {
            Form::Linked(linked) => IovaMapping::linked(linked.give(engine)),
            Form::Table(mapping) => IovaMapping::table(mapping.give(engine)),
        }
    }

    /// Unmaps the buffer and gives it back.
    ///
    /// C API: `dma_iova_destroy()`. Context: any.
    pub fn unmap(self) -> B {
        match self.form {
            Form::Linked(linked) => linked.unmap(),
            Form::Table(mapping) => mapping.unmap(),
        }
    }

    /// Returns the buffer, with what the device wrote.
    #[inline]
    pub fn buffer(&self) -> &B
    where
        D: CpuReads,
    {
        match &self.form {
            Form::Linked(linked) => linked.buffer(),
            Form::Table(mapping) => mapping.buffer(),
        }
    }

    /// Returns the elements that the device wrote.
    #[inline]
    pub fn as_slice(&self) -> &[B::Element]
    where
        B: SgSlice,
        D: CpuReads,
    {
        match &self.form {
            Form::Linked(linked) => linked.buffer().as_slice(),
            Form::Table(mapping) => mapping.as_slice(),
        }
    }

    /// Returns the elements, to be written for the device.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [B::Element]
    where
        B: SgSlice,
        D: CpuWrites,
    {
        match &mut self.form {
            Form::Linked(linked) => linked.buffer_mut().as_mut_slice(),
            Form::Table(mapping) => mapping.as_mut_slice(),
        }
    }
}

impl<D: CpuWrites> IovaMapping<'_, PageList, D, Cpu> {
    /// Copies `data` to the pages, from `offset` on.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the range does not lie within the pages.
    #[inline]
    pub fn write(&mut self, offset: usize, data: &[u8]) -> Result {
        match &mut self.form {
            Form::Linked(linked) => linked.buffer_mut().write(offset, data),
            Form::Table(mapping) => mapping.write(offset, data),
        }
    }
}
