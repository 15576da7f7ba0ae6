// SPDX-License-Identifier: GPL-2.0

//! Scatter-gather tables whose entries honour a device's limits.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)

mod build;

use super::segments::Segments;
use crate::{
    device::{
        constraints::widen,
        refusal,
        split::Split,
        DmaDevice, //
    },
    model::sync_attrs::UnmapAttrs,
    sys::leak_tracking, //
};
use core::mem::ManuallyDrop;
use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

/// The maximum number of entries of a table in one array: one less than a page holds.
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
/// - `sgt` has memory for `allocated` entries, and uses the first ones. Up to [`FLAT`] entries are in one
///   `kmalloc()` array; more are as `sg_alloc_table()` allocated them. Or the table is empty, without
///   memory.
/// - `sgt.nents` is the number of segments of the last mapping, at most that of the entries; or 0.
/// - Each entry describes memory of the buffer that the table was built for, and is within the device's
///   limits.
pub struct Table {
    sgt: bindings::sg_table,
    /// The number of entries that were allocated: as many as `sgt` has, or more.
    allocated: c_uint,
}

// SAFETY: The table owns its entries; it is not tied to a thread.
unsafe impl Send for Table {}

// SAFETY: Shared references only read.
unsafe impl Sync for Table {}

impl Table {
    /// A table without entries.
    // INVARIANT: It has no memory.
    pub(crate) const EMPTY: Self = Self {
        sgt: EMPTY,
        allocated: 0,
    };

    /// Maps the table for `dev`.
    ///
    /// C API: `dma_map_sgtable()`.
    ///
    /// # Errors
    ///
    /// - `EIO`: the table can never be mapped, or a segment exceeds the device's limits.
    /// - `ENOMEM`: no bounce buffer is left, or no IOVA space, or no memory for the IOMMU's tables.
    ///
    /// # Safety
    ///
    /// The table must not be mapped. Nothing may access the memory that it describes until it is synced or
    /// unmapped.
    #[inline(always)]
    pub(crate) unsafe fn map(
        &mut self,
        dev: DmaDevice<'_>,
        direction: bindings::dma_data_direction,
        attrs: c_ulong,
    ) -> Result {
        // A copy, so that the table itself need not be in memory for the call.
        let mut copy = ManuallyDrop::new(Self { ..*self });

        // SAFETY: The table is not mapped, and nothing accesses its memory (safety requirements of this
        // function). It is mapped once it has the number of segments, and no device has their addresses yet.
        unsafe {
            copy.map_in_place(dev, direction, attrs)?;
            self.sgt.nents = copy.sgt.nents;
            self.check(dev, direction, attrs)
        }
    }

    /// Maps a table in place, in the buffer that keeps it.
    ///
    /// As [`map`](Self::map), but leaves [`check`](Self::check) to the caller.
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
        // SAFETY: `dev` is bound. The table is not mapped, and nothing accesses its memory (safety
        // requirements of this function).
        let ret =
            unsafe { bindings::dma_map_sgtable(dev.as_raw(), &mut self.sgt, direction, attrs) };
        if ret != 0 {
            // SAFETY: The table describes memory that has pages; a failed call does not change that.
            return Err(unsafe { refusal::reason_of_table(dev, self.sgt, direction, attrs, ret) });
        }
        Ok(())
    }

    /// Checks that the table can be mapped.
    ///
    /// Needed unless [`Constraints::settled`] is true: for a table that was built earlier, and where not
    /// only the address of a piece decides whether it is bounced.
    ///
    /// # Errors
    ///
    /// `EIO`, as [`refusal::check`].
    ///
    /// [`Constraints::settled`]: crate::device::constraints::Constraints::settled
    #[inline]
    pub(crate) fn check_reach(
        &self,
        dev: DmaDevice<'_>,
        direction: bindings::dma_data_direction,
        attrs: c_ulong,
    ) -> Result {
        // SAFETY: The table describes memory of a buffer (type invariants), which has pages.
        unsafe { refusal::check_table(dev, self.sgt, direction, attrs) }
    }

    /// Checks that the segments are within the device's limits; unmaps the table if not.
    ///
    /// # Errors
    ///
    /// `EIO`: a segment exceeds the limits.
    ///
    /// # Safety
    ///
    /// The table must be mapped with these arguments, and no device may have its addresses yet.
    #[inline(always)]
    pub(crate) unsafe fn check(
        &self,
        dev: DmaDevice<'_>,
        direction: bindings::dma_data_direction,
        attrs: c_ulong,
    ) -> Result {
        if !dev.constraints().keeps_segments && !Self::is_within(self.sgt, dev) {
            // SAFETY: The table is mapped with these arguments, and no device accesses it (safety
            // requirements of this function).
            unsafe { self.unmap(dev, direction, attrs, UnmapAttrs::IN_SYNC) };
            return Err(EIO);
        }
        Ok(())
    }

    /// Returns whether all segments of a mapped table are within the device's limits.
    ///
    /// Takes a copy: a reference would keep the table in memory in all callers.
    #[cold]
    #[inline(never)]
    fn is_within(sgt: bindings::sg_table, dev: DmaDevice<'_>) -> bool {
        let split = Split::of(dev);
        // SAFETY: The table that this is a copy of has at least `nents` entries (type invariants), which do
        // not change meanwhile.
        let mut segments = unsafe { Segments::new(sgt.sgl, sgt.nents) };

        segments.all(|segment| {
            split.first(widen(segment.address), segment.len.into()) == segment.len.into()
        })
    }

    /// Unmaps the table, which was mapped with `attrs`, and syncs it as `end` says.
    ///
    /// C API: `dma_unmap_sgtable()`.
    ///
    /// # Safety
    ///
    /// The table must be mapped for `dev` in this direction, and the device must be done.
    #[inline(always)]
    pub(crate) unsafe fn unmap(
        &self,
        dev: DmaDevice<'_>,
        direction: bindings::dma_data_direction,
        attrs: c_ulong,
        end: UnmapAttrs,
    ) {
        let attrs = end.with(attrs);
        // SAFETY: `dev` is bound. The table is mapped for it in this direction, and the device is done
        // (safety requirements of this function).
        unsafe {
            bindings::dma_unmap_sg_attrs(dev.as_raw(), self.sgl(), self.entries(), direction, attrs)
        };
    }

    /// Returns the first entry.
    #[inline]
    pub(crate) fn sgl(&self) -> *mut bindings::scatterlist {
        self.sgt.sgl
    }

    /// Frees the entries, which leaves the table empty.
    #[inline]
    pub(crate) fn clear(&mut self) {
        if self.is_empty() {
            return;
        }
        let (sgt, allocated) = (self.sgt, self.allocated);
        // INVARIANT: The table is empty.
        self.sgt = EMPTY;
        self.allocated = 0;

        // SAFETY: By the type invariants up to `FLAT` entries are one array, and more come from
        // `sg_alloc_table()`. They are not used again.
        unsafe {
            if allocated as usize <= FLAT {
                bindings::kfree(sgt.sgl.cast());
            } else {
                free_linked(sgt, allocated);
            }
        }
    }

    /// Clears the DMA flags that the last mapping left.
    ///
    /// C flags the first entry if it bounced a buffer, and the next mapping may not bounce.
    #[inline]
    pub(crate) fn unmark(&mut self) {
        #[cfg(CONFIG_NEED_SG_DMA_FLAGS)]
        // SAFETY: By the type invariants `sgl` is an entry, or NULL; `self` is borrowed exclusively.
        if let Some(first) = unsafe { self.sgt.sgl.as_mut() } {
            first.dma_flags = 0;
        }
    }

    /// Returns whether the table has no entries.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.sgt.sgl.is_null()
    }

    /// Returns the leak tracking entry for the table, mapped in `direction`.
    pub(crate) fn entry(
        &self,
        direction: bindings::dma_data_direction,
        attrs: c_ulong,
    ) -> leak_tracking::Entry {
        leak_tracking::Entry::Table {
            sgl: self.sgl(),
            entries: self.entries(),
            direction,
            attrs: UnmapAttrs::LEAKED.with(attrs),
        }
    }

    /// Returns the C structure, for C functions that read it.
    #[inline]
    pub(crate) fn as_const_ptr(&self) -> *const bindings::sg_table {
        &self.sgt
    }

    /// Returns the segments of the last mapping.
    #[inline]
    pub(crate) fn segments(&self) -> Segments<'_> {
        // SAFETY: The table is borrowed as long as the segments are, and changes through `&mut` only.
        unsafe { self.lent_segments() }
    }

    /// As [`segments`](Self::segments), for any lifetime.
    ///
    /// # Safety
    ///
    /// The table must not change during `'a`.
    #[inline]
    pub(crate) unsafe fn lent_segments<'a>(&self) -> Segments<'a> {
        // SAFETY: The table has at least that many entries (type invariants), and does not change during
        // `'a` (safety requirements of this function).
        unsafe { Segments::new(self.sgt.sgl, self.sgt.nents) }
    }

    /// Returns the lengths of the entries that the table was built with.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = u32> + '_ {
        let mut sg = self.sgt.sgl;

        core::iter::from_fn(move || {
            // SAFETY: By the type invariants `sg` is an entry, or NULL after the last one.
            let length = unsafe { sg.as_ref() }?.length;
            // SAFETY: `sg` is an entry, as it is not NULL.
            sg = unsafe { bindings::sg_next(sg) };
            Some(length)
        })
    }

    /// Returns the number of entries that the table was built with (`orig_nents`), for the C API.
    #[inline]
    pub(crate) fn entries(&self) -> c_int {
        // CAST: Fits in `int`: `linked` checks that, and `flat` allocates less than a page.
        self.sgt.orig_nents as c_int
    }
}

/// Frees a table of `sg_alloc_table()` with `allocated` entries.
///
/// # Safety
///
/// The table must have been allocated so, and must not be used again.
#[inline(never)]
unsafe fn free_linked(mut sgt: bindings::sg_table, allocated: c_uint) {
    // The function finds the arrays by this number.
    sgt.orig_nents = allocated;
    // SAFETY: `sg_alloc_table()` allocated it, and it is not used again (safety requirements of this
    // function).
    unsafe { bindings::sg_free_table(&mut sgt) };
}

impl Drop for Table {
    #[inline]
    fn drop(&mut self) {
        self.clear();
    }
}
