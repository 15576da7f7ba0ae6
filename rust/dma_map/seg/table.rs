// SPDX-License-Identifier: GPL-2.0

//! A `struct sg_table` whose entries honour a device's limits.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)

mod build;

use super::segments::{
    Entries,
    Left,
    Segments, //
};
use crate::{
    device::{
        refusal,
        split::Split,
        DmaDevice, //
    },
    model::sync_attrs::UnmapAttrs,
    sys::ledger, //
};
use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

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
}

// SAFETY: The table owns its entries; it is not tied to a thread.
unsafe impl Send for Table {}

// SAFETY: Shared references only read.
unsafe impl Sync for Table {}

impl Table {
    /// Maps the table for `dev`.
    ///
    /// C API: `dma_map_sgtable()`.
    ///
    /// # Errors
    ///
    /// - `EIO`: it never can be mapped; or a segment is beyond the device's limits.
    /// - `ENOMEM`: no bounce buffer left, or no space or memory for the IOMMU's tables.
    ///
    /// # Safety
    ///
    /// It must not be mapped, and nobody access what it describes, until it is synced or unmapped.
    #[inline(always)]
    pub(crate) unsafe fn map(
        &mut self,
        dev: DmaDevice<'_>,
        direction: bindings::dma_data_direction,
        attrs: c_ulong,
    ) -> Result {
        // A table of the mapping's own need not be in memory for the function's sake.
        let mut sgt = self.sgt;

        // SAFETY: By the safety requirements of this function.
        unsafe { map_raw(&mut sgt, dev, direction, attrs) }?;
        self.sgt.nents = sgt.nents;

        // SAFETY: Mapped above; no device knows of it.
        unsafe { self.check(dev, direction, attrs) }
    }

    /// Maps a table where it lies, in the buffer that keeps it, as [`map`](Self::map) does, and leaves
    /// [`check`](Self::check) to the caller.
    ///
    /// # Errors
    ///
    /// Those of `map`.
    ///
    /// # Safety
    ///
    /// That of `map`.
    #[inline(always)]
    pub(crate) unsafe fn map_in_place(
        &mut self,
        dev: DmaDevice<'_>,
        direction: bindings::dma_data_direction,
        attrs: c_ulong,
    ) -> Result {
        // SAFETY: By the safety requirements of this function.
        unsafe { map_raw(&mut self.sgt, dev, direction, attrs) }
    }

    /// Checks that the table can be mapped; needed where [`Reach::settled`] is not so, and where more
    /// than the place of a piece says whether it is bounced.
    ///
    /// # Errors
    ///
    /// `EIO`, as [`refusal::check`].
    ///
    /// [`Reach::settled`]: crate::device::reach::Reach::settled
    #[inline]
    pub(crate) fn check_reach(
        &self,
        dev: DmaDevice<'_>,
        direction: bindings::dma_data_direction,
        attrs: c_ulong,
    ) -> Result {
        // SAFETY: By the type invariants; what a buffer has is in pages.
        unsafe { refusal::check_table(dev, self.sgt, direction, attrs) }
    }

    /// Unmaps a table whose segments are not within the device's limits.
    ///
    /// # Errors
    ///
    /// `EIO`: that is so.
    ///
    /// # Safety
    ///
    /// It must be mapped so, and no device know of it.
    #[inline(always)]
    pub(crate) unsafe fn check(
        &self,
        dev: DmaDevice<'_>,
        direction: bindings::dma_data_direction,
        attrs: c_ulong,
    ) -> Result {
        if !dev.reach().keeps_segments() && !Self::is_within(self.sgt, dev) {
            // SAFETY: By the safety requirements of this function.
            unsafe { self.unmap(dev, direction, attrs, UnmapAttrs::IN_SYNC) };
            return Err(EIO);
        }
        Ok(())
    }

    /// Returns whether all segments of a table that is mapped are within the device's limits for the
    /// device, too.
    ///
    /// Takes a copy: a reference would keep all of the table in memory, everywhere.
    #[cold]
    #[inline(never)]
    fn is_within(sgt: bindings::sg_table, dev: DmaDevice<'_>) -> bool {
        let split = Split::of(dev);
        // SAFETY: By the type invariants of the table that this is a copy of.
        let mut segments = unsafe { Segments::of_raw(sgt.sgl, sgt.nents) };

        #[allow(clippy::useless_conversion, reason = "`dma_addr_t` may be 32 bits")]
        segments.all(|segment| {
            split.first(segment.address.into(), segment.len.into()) == segment.len.into()
        })
    }

    /// Unmaps the table, which was mapped with `attrs`, and syncs it as `end` says.
    ///
    /// C API: `dma_unmap_sgtable()`.
    ///
    /// # Safety
    ///
    /// It must be mapped for `dev` in this direction, and the device be done.
    #[inline(always)]
    pub(crate) unsafe fn unmap(
        &self,
        dev: DmaDevice<'_>,
        direction: bindings::dma_data_direction,
        attrs: c_ulong,
        end: UnmapAttrs,
    ) {
        let attrs = end.with(attrs);
        // SAFETY: By the safety requirements of this function; `dev` is bound.
        unsafe {
            bindings::dma_unmap_sg_attrs(dev.as_raw(), self.sgl(), self.entries(), direction, attrs)
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

    /// Removes what the mapping before has left: that a buffer was bounced is marked in the first
    /// entry, and the next mapping may not bounce.
    #[inline]
    pub(crate) fn unmark(&mut self) {
        #[cfg(CONFIG_NEED_SG_DMA_FLAGS)]
        // SAFETY: By the type invariants it is an entry, or NULL, and ours alone.
        if let Some(first) = unsafe { self.sgt.sgl.as_mut() } {
            first.dma_flags = 0;
        }
    }

    /// Returns whether there are no entries.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.sgt.sgl.is_null()
    }

    /// Unmapping it in `direction`, for the ledger.
    pub(crate) fn entry(
        &self,
        direction: bindings::dma_data_direction,
        attrs: c_ulong,
    ) -> ledger::Entry {
        ledger::Entry::Table {
            sgl: self.sgl(),
            entries: self.entries(),
            direction,
            attrs: UnmapAttrs::LEAKED.with(attrs),
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

/// Calls `dma_map_sgtable()`.
///
/// # Safety
///
/// `sgt` must not be mapped, and nobody access what it describes, until it is synced or unmapped.
#[inline(always)]
unsafe fn map_raw(
    sgt: &mut bindings::sg_table,
    dev: DmaDevice<'_>,
    direction: bindings::dma_data_direction,
    attrs: c_ulong,
) -> Result {
    // SAFETY: By the safety requirements of this function; `dev` is bound.
    let ret = unsafe { bindings::dma_map_sgtable(dev.as_raw(), sgt, direction, attrs) };
    if ret != 0 {
        // SAFETY: The table describes memory that has pages, as it did before.
        return Err(unsafe { refusal::reason_of_table(dev, *sgt, direction, attrs, ret) });
    }
    Ok(())
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

impl<'a> Left<'a> {
    /// The entries of `table`, which must be mapped.
    #[inline]
    fn of(table: &'a Table) -> Self {
        // SAFETY: By the type invariants; mapping leaves no more than there are. The table is borrowed, and
        // changes by `&mut` only.
        unsafe { Self::new(table.sgl(), table.mapped()) }
    }
}

impl<'a> Entries<'a> {
    /// The entries of `table`, which must be mapped.
    #[inline]
    pub(crate) fn of(table: &'a Table) -> Self {
        Self::Table(Left::of(table))
    }

    /// The entries of `table`.
    ///
    /// # Safety
    ///
    /// The table must be mapped, and not change, during `'a`.
    #[inline]
    pub(crate) unsafe fn of_raw(table: &Table) -> Self {
        // SAFETY: By the safety requirements of this function.
        Self::Table(unsafe { Left::of_raw(table.sgl(), table.mapped()) })
    }
}

impl<'a> Segments<'a> {
    /// Iterates over the entries of `table`, which is mapped.
    #[inline]
    pub(crate) fn of(table: &'a Table) -> Self {
        Self {
            left: Left::of(table),
        }
    }
}
