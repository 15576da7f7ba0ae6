// SPDX-License-Identifier: GPL-2.0

//! A buffer that keeps its scatter-gather table from one mapping to the next.

use super::{
    buffer::{
        Chunk,
        PageList,
        SgBuffer,
        SgSlice, //
    },
    options::SgOptions,
    table::Table,
    MapError, //
};
use crate::{
    device::DmaDevice,
    reach::Reach, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// A buffer, and the table that describes it for a device: built once, mapped again and again.
///
/// Mapping a buffer builds a `struct sg_table`, and unmapping frees it. A driver that sends the
/// same buffer many times wraps it: the table comes back with the buffer, and the next mapping
/// only maps.
///
/// For another device, whose limits differ, a table is built anew. There is no way to exchange the
/// buffer inside, only to take it out.
///
/// C API: what keeping a `struct sg_table` between `dma_unmap_sgtable()` and `dma_map_sgtable()`
/// is.
///
/// # Invariants
///
/// `table`, if it is there, describes all of `buffer`, within `reach`, and is not mapped.
///
/// # Examples
///
/// ```ignore
/// let mut frame = Prebuilt::new(dma, frame, Gfp::Kernel)?;
/// loop {
///     let mapping = SgMapping::map(dma, frame, ToDevice, engine, Gfp::Kernel)?;
///     // ... when the device is done:
///     frame = mapping.unmap()?;
///     render(frame.as_mut_slice());
/// }
/// ```
pub struct Prebuilt<B> {
    table: Option<Table>,
    reach: Reach,
    buffer: B,
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
    /// - `EINVAL`: the buffer is empty.
    /// - `EIO`, `EOPNOTSUPP`: as for [`SgMapping::map`](super::SgMapping::map).
    /// - `ENOMEM`.
    pub fn new(
        dev: DmaDevice<'_>,
        buffer: B,
        options: impl Into<SgOptions>,
    ) -> Result<Self, MapError<B>> {
        match Table::new(dev, &buffer, options.into()) {
            // INVARIANT: Built above, for what the device takes.
            Ok(table) => Ok(Self {
                table: Some(table),
                reach: *dev.reach(),
                buffer,
            }),
            Err(error) => Err(MapError { error, buffer }),
        }
    }

    /// Returns the buffer.
    #[inline]
    pub fn buffer(&self) -> &B {
        &self.buffer
    }

    /// Gives the buffer back, and frees the table.
    #[inline]
    pub fn into_buffer(self) -> B {
        self.buffer
    }
}

impl Prebuilt<PageList> {
    /// Copies bytes from the pages; see [`PageList::read`].
    #[inline]
    pub fn read(&self, offset: usize, data: &mut [u8]) -> Result {
        self.buffer.read(offset, data)
    }

    /// Copies `data` to the pages; see [`PageList::write`].
    #[inline]
    pub fn write(&mut self, offset: usize, data: &[u8]) -> Result {
        self.buffer.write(offset, data)
    }
}

// SAFETY: It is the buffer's memory, and the buffer is not accessible for exchange. A table that is
// given out describes that memory (type invariant).
unsafe impl<B: SgBuffer> SgBuffer for Prebuilt<B> {
    type Element = B::Element;

    const DROP_MAY_SLEEP: bool = B::DROP_MAY_SLEEP;
    const USER: bool = B::USER;

    #[inline]
    fn len(&self) -> usize {
        self.buffer.len()
    }

    #[inline]
    fn page_chunks(&self) -> Option<usize> {
        self.buffer.page_chunks()
    }

    fn try_for_each_page(
        &self,
        f: impl FnMut(*mut bindings::page, usize, usize) -> Result,
    ) -> Result {
        self.buffer.try_for_each_page(f)
    }

    fn try_for_each_chunk(&self, f: impl FnMut(Chunk) -> Result) -> Result {
        self.buffer.try_for_each_chunk(f)
    }

    #[inline]
    fn whole_lines(&self, line: usize) -> bool {
        self.buffer.whole_lines(line)
    }

    #[inline]
    fn take_table(&mut self, reach: &Reach) -> Option<Table> {
        if self.reach == *reach {
            self.table.take()
        } else {
            None
        }
    }

    #[inline]
    fn put_table(&mut self, table: Table, reach: &Reach) {
        if !table.is_empty() {
            // INVARIANT: It was built for this buffer, within `reach`, and was unmapped (safety
            // requirements of `SgBuffer`).
            self.reach = *reach;
            self.table = Some(table);
        }
    }
}

impl<B: SgSlice> SgSlice for Prebuilt<B> {
    #[inline]
    fn as_slice(&self) -> &[B::Element] {
        self.buffer.as_slice()
    }

    #[inline]
    fn as_mut_slice(&mut self) -> &mut [B::Element] {
        self.buffer.as_mut_slice()
    }
}
