// SPDX-License-Identifier: GPL-2.0

//! IOVA mappings: streaming mappings that an IOMMU makes contiguous for the device.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

mod space;

use self::space::Space;
use super::sg::{
    Sg,
    SgMapping,
    SgSource, //
};
use crate::{
    buf::{
        buffer::{
            check_lines,
            release,
            SgBuffer,
            SgSlice, //
        },
        page_list::PageList, //
    },
    device::{
        counts::Kind,
        split::Split,
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
        Receiver,
        Several,
        Unmap, //
    },
    model::{
        sg_options::SgOptions,
        sync_attrs::UnmapAttrs, //
    },
    seg::segments::{
        Scattered,
        SplitSegments, //
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

/// A scattered buffer, contiguous for the device if there is an IOMMU; unmapped on drop.
///
/// The API and the states are those of [`SgMapping`]. The buffer is mapped differently:
///
/// - Behind an IOMMU, one range of addresses is allocated, the pieces of the buffer are linked into
///   it, and the IOMMU is synced once for all of them. No table is allocated or walked.
///   [`use_iova`](Dma::use_iova) returns `true`, and [`contiguous`](Dma::contiguous) the one address.
/// - Otherwise a table maps it, as in [`SgMapping`]: without an IOMMU; if the buffer has gaps within an
///   IOMMU's page (a piece in the middle that does not start and end at a page of the IOMMU); if the
///   device is not coherent, or not trusted with all of a page; or if no range of that size is left.
///
/// A driver that uses [`segments`](IovaMapping::segments) works with both.
///
/// C API: `dma_iova_try_alloc()`, `dma_iova_link()`, `dma_iova_sync()`, `dma_iova_destroy()`.
///
/// # Examples
///
/// ```ignore,run
/// # const ADDRESS: usize = 0x10;
/// # const LENGTH: usize = 0x18;
/// # let buffer = VVec::from_elem(0x5au8, 10_000, GFP_KERNEL)?;
/// # let mut mapped = 0;
/// let mapping = IovaMapping::map(dma, buffer, ToDevice, engine, Gfp::Kernel)?;
/// for segment in mapping.segments() {
///     regs.try_write64(segment.address, ADDRESS)?;
///     regs.try_write32(segment.len, LENGTH)?;
/// #     check(segment.address != 0 && segment.len != 0)?;
/// #     mapped += segment.len;
/// }
/// let buffer = mapping.unmap()?;
/// # check(mapped == 10_000 && buffer.iter().all(|byte| *byte == 0x5a))?;
/// ```
pub type IovaMapping<'bound, B, D, S> = Dma<Iova<'bound, B>, D, S>;

/// A mapped buffer, at one address if there is an IOMMU.
pub struct Iova<'bound, B: SgSource> {
    form: Form<'bound, B>,
}

/// The two forms of the mapping.
enum Form<'bound, B: SgSource> {
    Linked(Linked<'bound, B>),
    Table(Sg<'bound, B>),
}

/// A buffer that is linked into one range of IOVAs. Needs no sync: see [`Space`].
///
/// # Invariants
///
/// `space` has all of `buffer` linked for `dev`.
struct Linked<'bound, B> {
    dev: DmaDevice<'bound>,
    space: Space,
    /// The length of `buffer`. `buffer.len()` is not called while the device owns the memory: a vector
    /// would make a reference to its elements.
    size: usize,
    buffer: B,
}

impl<B: SgSource> Iova<'_, B> {
    #[inline]
    fn buffer(&self) -> &B {
        match &self.form {
            Form::Linked(linked) => &linked.buffer,
            Form::Table(sg) => &sg.buffer,
        }
    }

    #[inline]
    fn buffer_mut(&mut self) -> &mut B {
        match &mut self.form {
            Form::Linked(linked) => &mut linked.buffer,
            Form::Table(sg) => &mut sg.buffer,
        }
    }
}

// SAFETY: The addresses of a space and the chunks of a buffer do not change.
unsafe impl<'bound, B: SgSource> Backing for Iova<'bound, B> {
    type Device = DmaDevice<'bound>;
    type Given<E: Engine> = Device<E>;
    type Shape = Several;
    const KIND: Kind = Kind::IOVA;

    #[inline]
    fn device(&self) -> DmaDevice<'bound> {
        match &self.form {
            Form::Linked(linked) => linked.dev,
            Form::Table(sg) => sg.device(),
        }
    }

    #[inline]
    fn size(&self) -> usize {
        match &self.form {
            Form::Linked(linked) => linked.size,
            Form::Table(sg) => sg.size(),
        }
    }

    #[inline]
    unsafe fn sync<D: Direction, R: Receiver>(&self) {
        if let Form::Table(sg) = &self.form {
            // SAFETY: The memory is mapped in direction `D`, without references to it (safety requirements
            // of this function).
            unsafe { sg.sync::<D, R>() };
        }
    }

    unsafe fn release<D: Direction, S: State>(self) {
        // SAFETY: The memory is mapped in direction `D`, and the device is done (safety requirements of this
        // function).
        unsafe { release::<D, S, B::Memory, _>(self) };
    }
}

// SAFETY: The addresses of a space and the chunks of a buffer do not change.
unsafe impl<B: SgSource> Unmap for Iova<'_, B> {
    type Buffer = B;

    #[inline]
    unsafe fn unmap<D: Direction>(self, end: UnmapAttrs) -> B {
        match self.form {
            Form::Linked(mut linked) => {
                // SAFETY: All of the buffer is linked for `dev` (type invariants) in direction `D`, and the
                // device is done (safety requirements of this function). The space is not used again.
                unsafe { linked.space.unlink::<D>(linked.dev, linked.size) };
                linked.buffer
            }
            // SAFETY: The memory is mapped in direction `D`, and the device is done (safety
            // requirements of this function).
            Form::Table(sg) => unsafe { sg.unmap::<D>(end) },
        }
    }
}

// SAFETY: The segments are those of the range that is linked, or of the table that is mapped.
unsafe impl<B: SgSource> Scattered for Iova<'_, B> {
    #[inline]
    unsafe fn segments<'a>(&self) -> SplitSegments<'a> {
        match &self.form {
            Form::Linked(linked) => {
                SplitSegments::of_range(linked.space.address(), linked.size, Split::of(linked.dev))
            }
            // SAFETY: The memory stays mapped during `'a` (safety requirements of this function).
            Form::Table(sg) => unsafe { sg.segments() },
        }
    }
}

impl<B: SgSource, D: Direction, S: State> IovaMapping<'_, B, D, S> {
    /// Returns whether the buffer is linked into one range of IOVAs.
    ///
    /// C API: `dma_use_iova()`. Context: any.
    #[inline]
    pub fn use_iova(&self) -> bool {
        matches!(self.backing.form, Form::Linked(_))
    }
}

impl<'bound, B: SgSource, D: Direction, E: Engine> IovaMapping<'bound, B, D, Device<E>> {
    /// Maps `buffer` and gives it to the device behind `engine`.
    ///
    /// Maps the buffer's length, never its spare capacity; an IOMMU maps whole pages. Elements with a
    /// destructor are a build error.
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
        let _ = direction;
        let options = options.into();
        let linked = match buffer.memory() {
            memory if memory.is_empty() => Err(EINVAL),
            // Checked with an IOMMU, too, so that the result is the same on every machine.
            memory => check_lines::<D, _>(dev, memory)
                .and_then(|()| Space::link::<_, D>(dev, memory, options.attrs())),
        };
        let space = match linked {
            Ok(space) => space,
            Err(error) => return Err(MapError { error, buffer }),
        };

        let (form, state) = match space {
            Some(space) => {
                // INVARIANT: Linked above.
                let linked = Linked {
                    dev,
                    space,
                    size: buffer.memory().len(),
                    buffer,
                };
                (Form::Linked(linked), Device::of(engine))
            }
            None => {
                let mapping = SgMapping::<_, D, _>::mapped(dev, buffer, engine, options, |it| it)?;
                let (sg, state) = mapping.into_parts();
                (Form::Table(sg), state)
            }
        };
        // SAFETY: Mapped above in this direction, which synced it for the device.
        Ok(unsafe { Self::from_parts(Iova { form }, state) }.counted())
    }

    /// Returns the segments for the device.
    ///
    /// The segments honour the device's `max_segment_size` and `segment_boundary`. Context: any.
    #[inline]
    pub fn segments(&self) -> SplitSegments<'_> {
        // SAFETY: The handle is borrowed as long as the segments are, so the memory stays mapped.
        unsafe { Scattered::segments(&*self.backing) }
    }

    /// Returns the address of the first byte, if the buffer is linked into one range of IOVAs.
    ///
    /// For a device that takes the buffer in one piece: limits on segments do not apply. Returns `None` for
    /// a buffer that is mapped by a table, even if it is one segment. Context: any.
    #[inline]
    pub fn contiguous(&self) -> Option<DmaAddress> {
        match &self.backing.form {
            Form::Linked(linked) => Some(linked.space.address()),
            Form::Table(_) => None,
        }
    }
}

impl<B: SgSource, D: Direction> IovaMapping<'_, B, D, Cpu> {
    /// Returns the buffer, with what the device wrote.
    #[inline]
    pub fn buffer(&self) -> &B
    where
        D: CpuReads,
    {
        self.backing.buffer()
    }

    /// Returns the elements that the device wrote.
    #[inline]
    pub fn as_slice(&self) -> &[B::Element]
    where
        B: SgSource<Memory: SgSlice>,
        D: CpuReads,
    {
        self.backing.buffer().memory().as_slice()
    }

    /// Returns the elements, mutably, to write data for the device.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [B::Element]
    where
        B: SgSource<Memory: SgSlice>,
        D: CpuWrites,
    {
        self.backing.buffer_mut().elements_mut()
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
        self.backing.buffer_mut().write(offset, data)
    }
}
