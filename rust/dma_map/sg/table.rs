// SPDX-License-Identifier: GPL-2.0

//! A `struct sg_table` whose entries honour a device's limits.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)

use super::{
    buffer::{
        Chunk,
        SgBuffer, //
    },
    fill::{
        Fill,
        Flat,
        Layout,
        Linked, //
    },
    options::SgOptions,
    segments::Segments, //
};
use crate::{
    device::DmaDevice,
    error,
    ffi,
    ledger, //
};
use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

/// How long an entry may be, and what it must not cross.
#[derive(Clone, Copy)]
pub(crate) struct Split {
    max: u64,
    boundary: u64,
}

impl Split {
    /// No limits.
    pub(crate) const NONE: Self = Self {
        max: u64::MAX,
        boundary: u64::MAX,
    };

    /// The limits of `dev`.
    #[inline]
    pub(crate) fn of(dev: DmaDevice<'_>) -> Self {
        Self {
            max: dev.reach().max_segment(),
            boundary: dev.reach().boundary(),
        }
    }

    /// Adds limits to those that there are; `max` must not be 0, and `boundary` be a boundary.
    #[inline]
    pub(crate) fn narrow(&mut self, max: u64, boundary: u64) {
        self.max = self.max.min(max);
        self.boundary = self.boundary.min(boundary);
    }

    /// Returns whether the page at `phys` can be the end of a segment of `len` bytes in all.
    #[inline]
    pub(crate) fn joins(self, phys: u64, len: u64) -> bool {
        // A boundary is at least a page's.
        len <= self.max && phys & self.boundary != 0
    }

    /// Returns how many of `len` bytes at `addr` can be one segment; at least 1 if `len` is.
    #[inline]
    pub(crate) fn first(self, addr: u64, len: u64) -> u64 {
        // The distance to the last byte before the boundary; adding 1 wraps only for a boundary
        // of all ones at address 0, where there is nothing to cross.
        let to_boundary = (self.boundary & !addr).saturating_add(1);

        len.min(self.max).min(to_boundary)
    }
}

/// The most entries of a table that is one array; one less than a page of them.
const FLAT: usize = PAGE_SIZE / size_of::<bindings::scatterlist>() - 1;

/// A table without entries.
const EMPTY: bindings::sg_table = bindings::sg_table {
    sgl: core::ptr::null_mut(),
    nents: 0,
    orig_nents: 0,
};

/// A scatter-gather table.
///
/// # Invariants
///
/// - `sgt` has room for `allocated` entries, of which it uses the first ones: in an array of its own
///   up to [`FLAT`] of them, otherwise as `sg_alloc_table()` made it. Or it is empty, and has none.
/// - Each entry describes memory of the buffer that the table was built for, and none is longer or
///   crosses more than the device's limits allow.
pub struct Table {
    sgt: bindings::sg_table,
    /// The number of entries that there is memory for: as many as `sgt` has, or more.
    allocated: c_uint,
    /// The attributes of the driver's options: unmapping takes them as mapping does.
    attrs: u32,
}

// SAFETY: The table owns its entries; it is not tied to a thread.
unsafe impl Send for Table {}

// SAFETY: Shared references only read.
unsafe impl Sync for Table {}

impl Table {
    /// Builds the table for `buffer`.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: the buffer is empty, or needs more entries than a table can have.
    /// - `EIO`: neither the device nor a bounce buffer, if one is allowed, reaches the memory.
    /// - `EOPNOTSUPP`: coherence is required, and the device's DMA is not coherent.
    /// - `ENOMEM`.
    #[inline(always)]
    pub(crate) fn new<B: SgBuffer>(
        dev: DmaDevice<'_>,
        buffer: &B,
        options: SgOptions,
    ) -> Result<Self> {
        if buffer.is_empty() {
            return Err(EINVAL);
        }

        let reach = dev.reach();
        let split = Split {
            max: reach.max_entry(),
            boundary: reach.boundary(),
        };
        if options.is_coherent() {
            return Self::coherent(dev, buffer, split, options);
        }

        match (buffer.page_chunks(), reach.pages_end()) {
            // As an entry may be as long as a page, there are no more entries than chunks, wherever
            // they are: such a buffer is gone through once.
            (Some(count), Some(end)) if count <= FLAT => {
                Self::flat(count, options)?.filled::<Flat>(pages(buffer, end, split))
            }
            (Some(count), Some(end)) => Self::of_pages(buffer, count, end, split, options),
            _ => Self::in_two_passes(dev, buffer, split, reach.limit(), options),
        }
    }

    /// Builds the table of many pages.
    #[inline(never)]
    fn of_pages<B: SgBuffer>(
        buffer: &B,
        count: usize,
        end: usize,
        split: Split,
        options: SgOptions,
    ) -> Result<Self> {
        Self::linked(count, options)?.filled::<Linked>(pages(buffer, end, split))
    }

    /// Builds the table for a device that must access the buffer itself.
    #[inline(never)]
    fn coherent<B: SgBuffer>(
        dev: DmaDevice<'_>,
        buffer: &B,
        split: Split,
        options: SgOptions,
    ) -> Result<Self> {
        // SAFETY: `dev` is bound, and a device whose limits were applied has a mask.
        let limit = unsafe {
            if !ffi::is_coherent(dev.as_raw()) {
                return Err(EOPNOTSUPP);
            }
            ffi::direct_limit(dev.as_raw())
        };
        Self::in_two_passes(dev, buffer, split, limit, options)
    }

    /// Builds the table for any buffer: counts the entries, and writes them.
    #[inline(never)]
    fn in_two_passes<B: SgBuffer>(
        dev: DmaDevice<'_>,
        buffer: &B,
        split: Split,
        limit: u64,
        options: SgOptions,
    ) -> Result<Self> {
        let place = |phys| match dev.reach().keeps_segments() {
            true => phys,
            // SAFETY: `dev` is bound.
            false => unsafe { ffi::phys_to_dma(dev.as_raw(), phys) },
        };
        let mut count: usize = 0;
        for_each_entry(buffer, split, place, |entry| {
            if entry.last() > limit {
                return Err(EIO);
            }
            count = count.wrapping_add(1);
            Ok(())
        })?;

        if count <= FLAT {
            Self::flat(count, options)?.filled::<Flat>(entries(buffer, split, place))
        } else {
            Self::linked(count, options)?.filled::<Linked>(entries(buffer, split, place))
        }
    }

    /// Lets `write` write the entries.
    #[inline(always)]
    fn filled<L: Layout>(mut self, write: impl FnOnce(&mut Fill<L>) -> Result) -> Result<Self> {
        // SAFETY: The table is as it was allocated, in this layout. It has as many entries as the
        // buffer was found to need, whose chunks stay the same (safety requirements of `SgBuffer`).
        let mut fill = unsafe { Fill::<L>::new(self.sgt.sgl) };
        write(&mut fill)?;
        // INVARIANT: The entries that were written, the last of which is marked.
        self.sgt.orig_nents = self.allocated.wrapping_sub(fill.end());
        Ok(self)
    }

    /// Allocates a table of `count` entries in one array: at least 1, at most [`FLAT`].
    ///
    /// Each is written before it is read, so the array is not zeroed, and `sg_alloc_table()`, which
    /// does that, and finds out that there is no second array, is not called.
    #[inline(always)]
    fn flat(count: usize, options: SgOptions) -> Result<Self> {
        // No more than a page.
        let size = count.wrapping_mul(size_of::<bindings::scatterlist>());
        // SAFETY: The function has no preconditions.
        let sgl = unsafe { bindings::__kmalloc_noprof(size, options.gfp().as_raw()) };
        if sgl.is_null() {
            return Err(ENOMEM);
        }

        // INVARIANT: Allocated above.
        //
        // CAST: At most `FLAT`.
        Ok(Self {
            sgt: bindings::sg_table {
                sgl: sgl.cast(),
                nents: 0,
                orig_nents: 0,
            },
            allocated: count as c_uint,
            attrs: options.attrs() as u32,
        })
    }

    /// Allocates a table of `count` entries, more than [`FLAT`], which describe nothing yet.
    #[inline(never)]
    fn linked(count: usize, options: SgOptions) -> Result<Self> {
        // The C API counts in `int`.
        let count = c_int::try_from(count).map_err(|_| EINVAL)?;
        // Of this function alone, so that what is returned need not be in memory.
        let mut sgt = EMPTY;

        // SAFETY: The table is valid for writes, and `count` is positive, as the buffer is not empty.
        //
        // CAST: Positive.
        let ret =
            unsafe { bindings::sg_alloc_table(&mut sgt, count as c_uint, options.gfp().as_raw()) };
        if ret != 0 {
            // `EINVAL` is what a caller of this function can't provoke.
            return Err(ENOMEM);
        }

        // INVARIANT: Allocated above.
        Ok(Self {
            sgt,
            allocated: sgt.orig_nents,
            attrs: options.attrs() as u32,
        })
    }

    /// Maps the table for `dev`, with `attrs` beside those of the options.
    ///
    /// C API: `dma_map_sgtable()`.
    ///
    /// # Errors
    ///
    /// Those of the C function.
    ///
    /// # Safety
    ///
    /// It must not be mapped, and nobody access what it describes, until it is synced or unmapped.
    #[inline(always)]
    pub(super) unsafe fn map(
        &mut self,
        dev: DmaDevice<'_>,
        direction: bindings::dma_data_direction,
        attrs: c_ulong,
    ) -> Result {
        let mut sgt = self.sgt;

        // SAFETY: By the safety requirements of this function; `dev` is bound.
        let ret = unsafe {
            bindings::dma_map_sgtable(dev.as_raw(), &mut sgt, direction, self.attrs() | attrs)
        };
        if ret != 0 {
            return Err(error::from_errno(ret));
        }
        self.sgt.nents = sgt.nents;

        if !dev.reach().keeps_segments() && !self.is_within(dev) {
            // SAFETY: Mapped above; no device knows of it.
            unsafe { self.unmap(dev, direction, bindings::DMA_ATTR_SKIP_CPU_SYNC as c_ulong) };
            return Err(EIO);
        }
        Ok(())
    }

    /// Returns whether all segments are within the device's limits for the device, too.
    #[cold]
    #[inline(never)]
    fn is_within(&self, dev: DmaDevice<'_>) -> bool {
        let split = Split::of(dev);

        #[allow(clippy::useless_conversion, reason = "`dma_addr_t` may be 32 bits")]
        Segments::of(self).all(|segment| {
            split.first(segment.address.into(), segment.len.into()) == segment.len.into()
        })
    }

    /// Unmaps the table, with `attrs` beside those of the options.
    ///
    /// C API: `dma_unmap_sgtable()`.
    ///
    /// # Safety
    ///
    /// It must be mapped for `dev` in this direction, and the device be done.
    #[inline(always)]
    pub(super) unsafe fn unmap(
        &self,
        dev: DmaDevice<'_>,
        direction: bindings::dma_data_direction,
        attrs: c_ulong,
    ) {
        // SAFETY: By the safety requirements of this function; `dev` is bound.
        unsafe {
            bindings::dma_unmap_sg_attrs(
                dev.as_raw(),
                self.sgl(),
                self.entries(),
                direction,
                self.attrs() | attrs,
            )
        };
    }

    /// The first entry.
    #[inline]
    pub(crate) fn sgl(&self) -> *mut bindings::scatterlist {
        self.sgt.sgl
    }

    /// Frees the entries, of which there are none any more.
    #[inline]
    pub(crate) fn clear(&mut self) {
        if self.is_empty() {
            return;
        }
        let (sgt, allocated) = (self.sgt, self.allocated);
        // INVARIANT: Empty.
        self.sgt = EMPTY;
        self.allocated = 0;

        // SAFETY: By the type invariants.
        unsafe {
            if allocated as usize <= FLAT {
                bindings::kfree(sgt.sgl.cast());
            } else {
                free_linked(sgt, allocated);
            }
        }
    }

    /// Takes the table out, and leaves an empty one.
    #[inline]
    pub(super) fn take(&mut self) -> Self {
        // INVARIANT: As it was; it is not there any more.
        let taken = Self {
            sgt: self.sgt,
            allocated: self.allocated,
            attrs: self.attrs,
        };
        // INVARIANT: Empty.
        self.sgt.sgl = core::ptr::null_mut();
        taken
    }

    /// Sets what mapping and unmapping take.
    #[inline]
    pub(crate) fn with_attrs(mut self, options: SgOptions) -> Self {
        self.attrs = options.attrs() as u32;
        self
    }

    /// The attributes that mapping and unmapping take.
    #[inline]
    pub(crate) fn attrs(&self) -> c_ulong {
        // CAST: `unsigned long` has at least 32 bits.
        self.attrs as c_ulong
    }

    /// Returns whether there are no entries.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.sgt.sgl.is_null()
    }

    /// Unmapping it in `direction`, for the ledger.
    pub(crate) fn entry(&self, direction: bindings::dma_data_direction) -> ledger::Entry {
        ledger::Entry::Table {
            sgl: self.sgl(),
            entries: self.entries(),
            direction,
            attrs: self.attrs(),
        }
    }

    /// The C structure, for C functions that read it.
    #[inline]
    pub(crate) fn as_const_ptr(&self) -> *const bindings::sg_table {
        &self.sgt
    }

    /// The number of entries that the mapping left, for the device.
    #[inline]
    pub(crate) fn mapped(&self) -> u32 {
        self.sgt.nents
    }

    /// The lengths of the entries that the table was built with.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = u32> + '_ {
        let mut sg = self.sgt.sgl;

        core::iter::from_fn(move || {
            // SAFETY: By the type invariants `sg` is an entry, or NULL behind the last.
            let length = unsafe { sg.as_ref() }?.length;
            // SAFETY: As above.
            sg = unsafe { bindings::sg_next(sg) };
            Some(length)
        })
    }

    /// The number of entries that the table was built with, for the C API.
    #[inline]
    pub(crate) fn entries(&self) -> c_int {
        // CAST: Not more than `int` has room for, see `new`.
        self.sgt.orig_nents as c_int
    }
}

/// Frees a table of `sg_alloc_table()` with `allocated` entries.
///
/// # Safety
///
/// It must not be used again.
#[inline(never)]
unsafe fn free_linked(mut sgt: bindings::sg_table, allocated: c_uint) {
    // The function goes by the number to find the arrays.
    sgt.orig_nents = allocated;
    // SAFETY: By the safety requirements of this function.
    unsafe { bindings::sg_free_table(&mut sgt) };
}

impl Drop for Table {
    #[inline]
    fn drop(&mut self) {
        self.clear();
    }
}

/// Writes the pages of `buffer`, which must lie before `end`.
#[inline(always)]
fn pages<L: Layout, B: SgBuffer>(
    buffer: &B,
    end: usize,
    split: Split,
) -> impl FnOnce(&mut Fill<L>) -> Result + '_ {
    move |fill| {
        buffer.try_for_each_page(|page, offset, len| {
            if page.addr() >= end {
                return Err(EIO);
            }
            fill.push_page(page, offset, len, split);
            Ok(())
        })
    }
}

/// Writes the entries for `buffer`.
#[inline(always)]
fn entries<'a, L: Layout, B: SgBuffer>(
    buffer: &'a B,
    split: Split,
    place: impl Fn(u64) -> u64 + 'a,
) -> impl FnOnce(&mut Fill<L>) -> Result + 'a {
    move |fill| {
        for_each_entry(buffer, split, place, |entry| {
            fill.push(entry);
            Ok(())
        })
    }
}

/// Calls `f` with the entries for `buffer`: neighbouring chunks joined, then split, by where the
/// device finds them according to `place`.
#[inline]
fn for_each_entry<B: SgBuffer>(
    buffer: &B,
    split: Split,
    place: impl Fn(u64) -> u64,
    mut f: impl FnMut(Chunk) -> Result,
) -> Result {
    for_each_run(buffer, |mut run| {
        while run.len != 0 {
            let len = split.first(place(run.phys), run.len);
            f(Chunk {
                phys: run.phys,
                len,
            })?;
            run.phys = run.phys.wrapping_add(len);
            run.len = run.len.wrapping_sub(len);
        }
        Ok(())
    })
}

/// Calls `f` with the physically contiguous parts of `buffer`: neighbouring chunks joined.
#[inline]
pub(crate) fn for_each_run<B: SgBuffer>(buffer: &B, mut f: impl FnMut(Chunk) -> Result) -> Result {
    let mut run = Chunk { phys: 0, len: 0 };

    buffer.try_for_each_chunk(|chunk| {
        if run.end() == chunk.phys {
            run.len = run.len.wrapping_add(chunk.len);
            return Ok(());
        }
        if run.len != 0 {
            f(run)?;
        }
        run = chunk;
        Ok(())
    })?;

    f(run)
}
