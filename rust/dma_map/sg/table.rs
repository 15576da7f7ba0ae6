// SPDX-License-Identifier: GPL-2.0

//! A `struct sg_table` whose entries honour a device's limits.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)

mod build;

pub(crate) use self::build::for_each_run;

use super::{
    options::SgOptions,
    segments::Segments,
    split::Split, //
};
use crate::{
    device::DmaDevice,
    error,
    ledger,
    mapping::MapOptions, //
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
    /// The driver's options: unmapping takes them as mapping does.
    options: MapOptions,
}

// SAFETY: The table owns its entries; it is not tied to a thread.
unsafe impl Send for Table {}

// SAFETY: Shared references only read.
unsafe impl Sync for Table {}

impl Table {
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

        if !dev.reach().keeps_segments() && !Self::is_within(self.sgt, dev) {
            // SAFETY: Mapped above; no device knows of it.
            unsafe { self.unmap(dev, direction, bindings::DMA_ATTR_SKIP_CPU_SYNC as c_ulong) };
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
            options: self.options,
        };
        // INVARIANT: Empty.
        self.sgt.sgl = core::ptr::null_mut();
        taken
    }

    /// Removes what the mapping before has left: that a buffer was bounced is marked in the first
    /// entry, and the next mapping may not bounce.
    #[inline]
    pub(super) fn unmarked(self) -> Self {
        #[cfg(CONFIG_NEED_SG_DMA_FLAGS)]
        // SAFETY: By the type invariants it is an entry, or NULL, and ours alone.
        if let Some(first) = unsafe { self.sgt.sgl.as_mut() } {
            first.dma_flags = 0;
        }
        self
    }

    /// Sets what mapping and unmapping take.
    #[inline]
    pub(crate) fn with_options(mut self, options: SgOptions) -> Self {
        self.options = options.map_options();
        self
    }

    /// The attributes that mapping and unmapping take.
    #[inline]
    pub(crate) fn attrs(&self) -> c_ulong {
        self.options.attrs()
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
