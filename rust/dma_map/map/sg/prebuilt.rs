// SPDX-License-Identifier: GPL-2.0

//! A buffer that keeps its scatter-gather table from one mapping to the next.

use super::source::{
    check_table,
    private::Tabled,
    SgSource,
    MAP_ATTRS, //
};
use crate::{
    buf::{
        buffer::{
            check_lines,
            SgBuffer,
            SgSlice, //
        },
        page_list::PageList, //
    },
    device::{
        reach::Reach,
        DmaDevice, //
    },
    direction::{
        Direction,
        ToDevice, //
    },
    error::MapError,
    generic::variance::Inside,
    model::sg_options::SgOptions,
    seg::table::Table,
    sys::ledger, //
};
use kernel::prelude::*;

/// A buffer, and the table that describes it for a device: built once, mapped again and again.
///
/// Mapping a buffer builds a `struct sg_table`, and unmapping frees it. A driver that sends the
/// same buffer many times wraps it: the table comes back with the buffer, and the next mapping
/// only maps.
///
/// A device that may not reach all bounce buffers that the kernel can make has the table looked through
/// before each mapping. For another device, whose limits differ, a table is built anew, as it is after
/// [`into_addresses`](super::SgMapping::into_addresses), which frees it, and each time that
/// [`require_coherent`](crate::MapOptions::require_coherent) asks for memory that is mapped where it
/// lies. There is no way to exchange the buffer inside, only to take it out.
///
/// C API: what keeping a `struct sg_table` between `dma_unmap_sgtable()` and `dma_map_sgtable()`
/// is.
///
/// # Examples
///
/// ```ignore
/// # fn render(_: &mut [u8]) {}
/// # fn example<E: Engine + Copy>(dma: DmaDevice<'_>, frame: VVec<u8>, engine: E) -> Result {
/// let mut frame = Prebuilt::new(dma, frame, Gfp::Kernel)?;
/// loop {
///     let mapping = SgMapping::map(dma, frame, ToDevice, engine, Gfp::Kernel)?;
///     // ... when the device is done:
///     frame = mapping.unmap()?;
///     render(frame.as_mut_slice());
/// }
/// # }
/// ```
pub struct Prebuilt<B> {
    // Behind a pointer, so that the table stays where it is while a mapping comes and goes.
    inner: KBox<Inner<B>>,
}

/// What is kept.
///
/// # Invariants
///
/// - `built_for` is 0, which no binding's number is, or `table` is not empty, and describes all of
///   `buffer`, within the limits of the binding with this number.
/// - `ready_for` is 0, or the number of the same binding. Then the table's segments are within the
///   limits, too, no mapping leaves a mark in it, and what could be mapped when it was built can be.
struct Inner<B> {
    table: Table,
    built_for: u64,
    /// One number that is compared before each mapping, in place of all that it stands for.
    ready_for: u64,
    buffer: B,
}

impl<B: SgBuffer> Inner<B> {
    /// Builds the table anew, for another device.
    #[cold]
    #[inline(never)]
    fn rebuild(&mut self, dev: DmaDevice<'_>, options: SgOptions) -> Result {
        // INVARIANT: Built for what the device takes; the one before stays if that fails.
        self.table = Table::new(dev, &self.buffer, options)?;
        self.built_for = dev.reach().binding();
        self.ready_for = Self::number_if_ready(dev.reach());
        Ok(())
    }

    /// What `ready_for` is with a table for this binding.
    fn number_if_ready(reach: &Reach) -> u64 {
        if reach.leaves_tables() && reach.settled() {
            reach.binding()
        } else {
            0
        }
    }
}

impl<B: SgBuffer> Prebuilt<B> {
    /// Builds the table of `buffer` for `dev`.
    ///
    /// C API: `sg_alloc_table()`. Context: may sleep with [`Gfp::Kernel`](crate::Gfp::Kernel), any
    /// otherwise.
    ///
    /// # Errors
    ///
    /// The buffer comes back with each of them:
    ///
    /// - `EINVAL`: the buffer is empty, or needs more entries than a table can have.
    /// - `EIO`, `EOPNOTSUPP`: as for [`SgMapping::map`](super::SgMapping::map).
    /// - `ENOMEM`.
    pub fn new(
        dev: DmaDevice<'_>,
        buffer: B,
        options: impl Into<SgOptions>,
    ) -> Result<Self, MapError<B>> {
        let options = options.into();
        let made = KBox::<Inner<B>>::new_uninit(options.gfp().flags())
            .map_err(Error::from)
            .and_then(|inner| Ok((inner, Table::new(dev, &buffer, options)?)));

        match made {
            // INVARIANT: Built above, for what the device takes.
            Ok((inner, table)) => Ok(Self {
                inner: KBox::write(
                    inner,
                    Inner {
                        table,
                        built_for: dev.reach().binding(),
                        ready_for: Inner::<B>::number_if_ready(dev.reach()),
                        buffer,
                    },
                ),
            }),
            Err(error) => Err(MapError { error, buffer }),
        }
    }

    /// Returns the buffer.
    #[inline]
    pub fn buffer(&self) -> &B {
        &self.inner.buffer
    }

    /// Gives the buffer back, and frees the table.
    #[inline]
    pub fn into_buffer(self) -> B {
        KBox::into_inner(self.inner).buffer
    }
}

impl<B: SgSlice> Prebuilt<B> {
    /// Returns the elements.
    #[inline]
    pub fn as_slice(&self) -> &[B::Element] {
        self.inner.buffer.as_slice()
    }

    /// Returns the elements, to be written.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [B::Element] {
        // The table stays, and so does what it describes (safety requirements of `SgSlice`).
        self.inner.buffer.as_mut_slice()
    }
}

impl Prebuilt<PageList> {
    /// Copies bytes from the pages; see [`PageList::read`].
    #[inline]
    pub fn read(&self, offset: usize, data: &mut [u8]) -> Result {
        self.inner.buffer.read(offset, data)
    }

    /// Copies `data` to the pages; see [`PageList::write`].
    #[inline]
    pub fn write(&mut self, offset: usize, data: &[u8]) -> Result {
        self.inner.buffer.write(offset, data)
    }
}

impl<B: SgBuffer> Tabled for Prebuilt<B> {
    type Own = ();

    #[inline(always)]
    unsafe fn map<D: Direction>(&mut self, dev: DmaDevice<'_>, options: SgOptions) -> Result {
        let binding = dev.reach().binding();
        let inner = &mut *self.inner;
        check_lines::<D, B>(dev, &inner.buffer)?;

        let line = ledger::Line::new()?;
        // What was built without asking for coherence may lie further than that allows.
        let is_ready = inner.ready_for == binding && !options.is_coherent();
        if !is_ready {
            if inner.built_for != binding || options.is_coherent() {
                inner.rebuild(dev, options)?;
            } else if !dev.reach().settled() {
                // As when it was built.
                let attrs = options.attrs();
                inner.table.check_reach(dev, ToDevice::RAW, attrs)?;
            }
            inner.table.unmark();
        }
        let attrs = options.attrs() | MAP_ATTRS;
        check_table::<D>(dev, &inner.table, attrs)?;
        // SAFETY: The table describes memory that the buffer owns (type invariants); by the safety
        // requirements of this function it is not mapped, and nobody accesses it. It is checked unless its
        // segments are within the limits (type invariants); no device knows of it.
        unsafe {
            inner.table.map_in_place(dev, D::RAW, attrs)?;
            if !is_ready {
                inner.table.check(dev, D::RAW, attrs)?;
            }
        }
        line.enter(dev.as_raw(), || inner.table.entry(D::RAW, options.attrs()));
        Ok(())
    }

    #[inline(always)]
    fn table<'a>(&'a self, (): &'a ()) -> &'a Table {
        &self.inner.table
    }

    fn free_table(&mut self, (): &mut ()) {
        // INVARIANT: There is no table.
        self.inner.built_for = 0;
        self.inner.ready_for = 0;
        self.inner.table.clear();
    }
}

impl<B: SgBuffer> SgSource for Prebuilt<B> {
    type Memory = B;
    type Element = B::Element;

    #[inline(always)]
    fn memory(&self) -> &B {
        &self.inner.buffer
    }

    #[inline(always)]
    fn memory_mut(&mut self, _: Inside) -> &mut B {
        &mut self.inner.buffer
    }
}
