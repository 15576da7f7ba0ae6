// SPDX-License-Identifier: GPL-2.0

//! A `struct sg_table` whose entries honour a device's limits.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)

use super::{
    buffer::{
        Chunk,
        SgBuffer, //
    },
    options::SgOptions, //
};
use crate::{
    device::DmaDevice,
    error::to_result,
    ffi,
    ledger,
    linear, //
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

    /// Returns how many of `len` bytes at `addr` can be one segment; at least 1 if `len` is.
    #[inline]
    pub(crate) fn first(self, addr: u64, len: u64) -> u64 {
        // The distance to the last byte before the boundary; adding 1 wraps only for a boundary
        // of all ones at address 0, where there is nothing to cross.
        let to_boundary = (self.boundary & !addr).saturating_add(1);

        len.min(self.max).min(to_boundary)
    }
}

/// A scatter-gather table.
///
/// # Invariants
///
/// - `sgt` was allocated by `sg_alloc_table()`, or it is empty and has no entries.
/// - Each entry describes memory of the buffer that the table was built for, and none is longer or
///   crosses more than the device's limits allow.
pub struct Table {
    sgt: bindings::sg_table,
    /// The attributes of the driver's options: unmapping takes them as mapping does.
    attrs: c_ulong,
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
    pub(crate) fn new<B: SgBuffer>(
        dev: DmaDevice<'_>,
        buffer: &B,
        options: SgOptions,
    ) -> Result<Self> {
        if buffer.is_empty() {
            return Err(EINVAL);
        }

        let mut split = Split::of(dev);
        split.narrow(dev.reach().max_mapping(), u64::MAX);
        // SAFETY: `dev` is bound, and a device whose limits were applied has a mask.
        let limit = unsafe {
            if !options.is_coherent() {
                dev.reach().limit()
            } else if ffi::is_coherent(dev.as_raw()) {
                ffi::direct_limit(dev.as_raw())
            } else {
                return Err(EOPNOTSUPP);
            }
        };
        let mut count: u32 = 0;
        for_each_entry(buffer, split, |entry| {
            if entry.last() > limit {
                return Err(EIO);
            }
            // The C API counts in `int`.
            count = count
                .checked_add(1)
                .filter(|n| *n <= c_int::MAX as u32)
                .ok_or(EINVAL)?;
            Ok(())
        })?;

        let mut table = Self {
            // INVARIANT: Empty.
            sgt: bindings::sg_table {
                sgl: core::ptr::null_mut(),
                nents: 0,
                orig_nents: 0,
            },
            attrs: options.attrs(),
        };

        // INVARIANT: Allocated here; on failure the function leaves an empty table.
        // SAFETY: The table is valid for writes, and `count` is not 0, because the buffer has at
        // least one byte.
        to_result(unsafe {
            bindings::sg_alloc_table(&mut table.sgt, count, options.gfp().as_raw())
        })?;

        let mut sg = table.sgt.sgl;
        for_each_entry(buffer, split, |entry| {
            // The buffer's chunks are the same as in the first pass (safety requirements of
            // `SgBuffer`), so the entries do not run out; if they did, the rest is not mapped.
            if sg.is_null() {
                return Err(EINVAL);
            }
            // SAFETY: The entry is memory with pages, by the safety requirements of `SgBuffer`.
            let page = unsafe { linear::page(entry.phys) };
            // SAFETY: `sg` is an entry of our table. This is `sg_set_page()`: the two low bits of
            // the link mark chain and end, and stay.
            //
            // CAST: An entry is not longer than `max_segment_size`, which is 32 bits.
            unsafe {
                (*sg).page_link = ((*sg).page_link & LINK_MASK) | page.addr() as c_ulong;
                (*sg).offset = (entry.phys % PAGE_SIZE as u64) as c_uint;
                (*sg).length = entry.len as c_uint;
            }
            // SAFETY: `sg` is an entry of a table that is terminated.
            sg = unsafe { bindings::sg_next(sg) };
            Ok(())
        })?;

        Ok(table)
    }

    #[inline]
    pub(crate) fn as_ptr(&mut self) -> *mut bindings::sg_table {
        &mut self.sgt
    }

    /// The first entry.
    #[inline]
    pub(crate) fn sgl(&self) -> *mut bindings::scatterlist {
        self.sgt.sgl
    }

    /// Frees the entries, of which there are none any more.
    #[inline]
    pub(crate) fn clear(&mut self) {
        // SAFETY: By the type invariants; the function takes an empty table.
        unsafe { bindings::sg_free_table(&mut self.sgt) };
        // INVARIANT: Empty; the function leaves the numbers as they were.
        self.sgt.orig_nents = 0;
        self.sgt.nents = 0;
    }

    /// Sets what mapping and unmapping take.
    #[inline]
    pub(crate) fn with_attrs(mut self, options: SgOptions) -> Self {
        self.attrs = options.attrs();
        self
    }

    /// The attributes that mapping and unmapping take.
    #[inline]
    pub(crate) fn attrs(&self) -> c_ulong {
        self.attrs
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
            attrs: self.attrs,
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

impl Drop for Table {
    #[inline]
    fn drop(&mut self) {
        self.clear();
    }
}

/// The bits of `page_link` that are not the page.
const LINK_MASK: c_ulong = 3;

/// Calls `f` with the entries for `buffer`: neighbouring chunks joined, then split.
fn for_each_entry<B: SgBuffer>(
    buffer: &B,
    split: Split,
    mut f: impl FnMut(Chunk) -> Result,
) -> Result {
    let mut run = Chunk { phys: 0, len: 0 };

    buffer.try_for_each_chunk(|chunk| {
        if run.end() == chunk.phys {
            run.len = run.len.wrapping_add(chunk.len);
            return Ok(());
        }
        split_run(run, split, &mut f)?;
        run = chunk;
        Ok(())
    })?;

    split_run(run, split, &mut f)
}

/// Calls `f` with the physically contiguous parts of `buffer`: neighbouring chunks joined.
#[cfg(CONFIG_IOMMU_DMA)]
pub(crate) fn for_each_run<B: SgBuffer>(buffer: &B, f: impl FnMut(Chunk) -> Result) -> Result {
    let whole = Split {
        max: u64::MAX,
        boundary: u64::MAX,
    };

    for_each_entry(buffer, whole, f)
}

/// Calls `f` with the parts of `run`, if it is not empty.
fn split_run(mut run: Chunk, split: Split, f: &mut impl FnMut(Chunk) -> Result) -> Result {
    while run.len != 0 {
        let len = split.first(run.phys, run.len);
        f(Chunk {
            phys: run.phys,
            len,
        })?;
        run.phys = run.phys.wrapping_add(len);
        run.len = run.len.wrapping_sub(len);
    }

    Ok(())
}
