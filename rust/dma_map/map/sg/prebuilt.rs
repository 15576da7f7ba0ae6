// SPDX-License-Identifier: GPL-2.0

//! Prebuilt tables: buffers that keep their scatter-gather table from one mapping to the next.

use super::source::{
    check_table,
    map_attrs,
    private::TableSource,
    SgSource, //
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
    device::DmaDevice,
    direction::{
        Direction,
        ToDevice, //
    },
    error::MapError,
    model::sg_options::SgOptions,
    seg::table::Table,
    sys::leak_tracking, //
};
use kernel::prelude::*;

/// A buffer with its table for a device: built once, mapped many times.
///
/// Mapping a plain buffer builds a `struct sg_table`, and unmapping frees it. A driver that maps the
/// same buffer many times wraps it in this type: `unmap` returns the buffer with its table, and the next
/// mapping only maps.
///
/// If the device may not reach all bounce buffers that the kernel can allocate, each mapping checks the
/// table first. The table is rebuilt for another device; after
/// [`into_addresses`](super::SgMapping::into_addresses), which frees it; and each time that
/// [`require_coherent`](crate::MapOptions::require_coherent) requires memory that is mapped in place.
/// The buffer inside cannot be replaced, only taken out.
///
/// C API: as keeping a `struct sg_table` from `dma_unmap_sgtable()` to the next `dma_map_sgtable()`.
///
/// # Examples
///
/// ```ignore,run
/// # fn render(frame: &mut [u8]) { frame.fill(1) }
/// # fn example<E: Engine + Copy>(dma: DmaDevice<'_>, frame: VVec<u8>, engine: E) -> Result {
/// let mut frame = Prebuilt::new(dma, frame, Gfp::Kernel)?;
/// # let mut shown = 0;
/// loop {
///     let mapping = SgMapping::map(dma, frame, ToDevice, engine, Gfp::Kernel)?;
/// #     check(mapping.segments().map(|s| s.len).sum::<u32>() == 10_000)?;
///     // ... when the device is done:
///     frame = mapping.unmap()?;
///     render(frame.as_mut_slice());
/// #     shown += 1;
/// #     if shown == 3 {
/// #         return check(frame.as_slice().iter().all(|byte| *byte == 1));
/// #     }
/// }
/// # }
/// # pub fn run(dma: DmaDevice<'_>, engine: Device, _regs: &pci::Bar<'_>) -> Result {
/// #     example(dma, VVec::from_elem(0u8, 10_000, GFP_KERNEL)?, engine)
/// # }
/// ```
pub struct Prebuilt<B> {
    // Boxed, so that the table stays in place when a mapping takes and returns this value.
    inner: KBox<Inner<B>>,
}

/// A buffer and its table.
///
/// # Invariants
///
/// - `built_for` is 0, which is no binding's number, or `table` is not empty, and describes all of
///   `buffer`, within the limits of the binding with this number.
/// - `ready_for` is 0, or the number of the same binding. In the latter case the table's segments are
///   within the limits, too, no mapping leaves flags in it, and it still can be mapped.
struct Inner<B> {
    table: Table,
    built_for: u64,
    /// One number that each mapping compares, in place of several checks.
    ready_for: u64,
    buffer: B,
}

impl<B: SgBuffer> Inner<B> {
    /// Builds the table, also for another device or for coherence.
    #[cold]
    #[inline(never)]
    fn build(&mut self, dev: DmaDevice<'_>, options: SgOptions) -> Result {
        // INVARIANT: The table is built for this binding; if that fails, the old one stays.
        self.table = Table::new(dev, &self.buffer, options)?;
        let constraints = dev.constraints();
        self.built_for = constraints.binding;
        self.ready_for = match constraints.leaves_tables && constraints.settled {
            true => constraints.binding,
            false => 0,
        };
        Ok(())
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
        let failed = |error, buffer| Err(MapError { error, buffer });

        let Ok(inner) = KBox::<Inner<B>>::new_uninit(options.gfp.flags()) else {
            return failed(ENOMEM, buffer);
        };
        // INVARIANT: The table is built for no binding yet.
        let empty = Inner {
            table: Table::EMPTY,
            built_for: 0,
            ready_for: 0,
            buffer,
        };
        let mut inner = KBox::write(inner, empty);
        match inner.build(dev, options) {
            Ok(()) => Ok(Self { inner }),
            Err(error) => failed(error, KBox::into_inner(inner).buffer),
        }
    }

    /// Returns the buffer.
    #[inline]
    pub fn buffer(&self) -> &B {
        &self.inner.buffer
    }

    /// Returns the buffer, by value, and frees the table.
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

    /// Returns the elements, mutably.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [B::Element] {
        // The memory that the table describes stays the same (safety requirements of `SgSlice`).
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

impl<B: SgBuffer> TableSource for Prebuilt<B> {
    type OwnTable = ();

    #[inline(always)]
    unsafe fn map<D: Direction>(&mut self, dev: DmaDevice<'_>, options: SgOptions) -> Result {
        let binding = dev.constraints().binding;
        let inner = &mut *self.inner;
        check_lines::<D, B>(dev, &inner.buffer)?;

        let tracked = leak_tracking::ListNode::new()?;
        // A table that was built without `require_coherent` may describe memory that must bounce.
        let is_ready = inner.ready_for == binding && !options.is_coherent();
        if !is_ready {
            if inner.built_for != binding || options.is_coherent() {
                inner.build(dev, options)?;
            } else if !dev.constraints().settled {
                // The same check as in `Table::new`.
                let attrs = options.attrs();
                inner.table.check_reach(dev, ToDevice::RAW, attrs)?;
            }
            inner.table.unmark();
        }
        let attrs = options.attrs() | map_attrs::<B>(dev);
        check_table::<D>(dev, &inner.table, attrs)?;
        // SAFETY: The table describes memory that the buffer owns (type invariants); it is not mapped, and
        // nothing accesses it (safety requirements of this function). It is checked unless its segments are
        // within the limits (type invariants). No device has its addresses yet.
        unsafe {
            inner.table.map_in_place(dev, D::RAW, attrs)?;
            if !is_ready {
                inner.table.check(dev, D::RAW, attrs)?;
            }
        }
        // SAFETY: Mapped above with these arguments. What releases it untracks it first.
        unsafe { tracked.add(dev.as_raw(), || inner.table.entry(D::RAW, options.attrs())) };
        Ok(())
    }

    #[inline(always)]
    fn table<'a>(&'a self, (): &'a ()) -> &'a Table {
        &self.inner.table
    }

    unsafe fn free_table(&mut self, (): &mut ()) {
        // INVARIANT: Both are 0, so the table may be empty.
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
    fn elements_mut(&mut self) -> &mut [B::Element]
    where
        B: SgSlice,
    {
        self.as_mut_slice()
    }
}
