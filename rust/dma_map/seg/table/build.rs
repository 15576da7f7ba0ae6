// SPDX-License-Identifier: GPL-2.0

//! Table construction: in one pass for a buffer made of pages, otherwise in two.

use super::{
    Table,
    EMPTY,
    FLAT, //
};
use crate::{
    buf::{
        buffer::SgBuffer,
        walk, //
    },
    device::{
        lines::Lines,
        refusal,
        split::{
            self,
            Split, //
        },
        DmaDevice, //
    },
    direction::{
        Direction,
        ToDevice, //
    },
    model::sg_options::SgOptions,
    seg::fill::{
        Fill,
        FlatFill,
        LinkedFill, //
    },
    sys::{
        chunk::Chunk,
        ffi, //
    },
};
use core::num::NonZero;
use kernel::{
    bindings,
    prelude::*, //
};

impl Table {
    /// Builds the table for `buffer`.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: the buffer is empty, or needs more entries than a table can have.
    /// - `EIO`: the device cannot reach the memory, and bouncing is not allowed or cannot help.
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

        let constraints = dev.constraints();
        let split = Split::of_entries(dev);
        if options.is_coherent() {
            return Self::coherent(dev, buffer, split, options);
        }

        match (buffer.page_chunks(), constraints.pages_end()) {
            // An entry may be as long as a page, so there are at most as many entries as chunks, and
            // one pass is enough.
            (Some(count), Some(end)) if count <= FLAT => {
                let table = Self::flat(count, options)?;
                // SAFETY: The table is new, with an entry for each page (safety requirements of
                // `SgBuffer`).
                unsafe {
                    table.filled(move |fill: &mut FlatFill| write_pages(fill, buffer, end, split))
                }
                .or_else(|_| Self::in_two_passes(dev, buffer, split, constraints.limit, options))
            }
            (Some(count), Some(end)) => Self::of_pages(dev, buffer, count, end, split, options),
            _ => Self::in_two_passes(dev, buffer, split, constraints.limit, options),
        }
    }

    /// Builds the table of a buffer that has more than [`FLAT`] pages.
    #[inline(never)]
    fn of_pages<B: SgBuffer>(
        dev: DmaDevice<'_>,
        buffer: &B,
        count: usize,
        end: usize,
        split: Split,
        options: SgOptions,
    ) -> Result<Self> {
        let table = Self::linked(count, options)?;
        // SAFETY: The table is new, with an entry for each page (safety requirements of
        // `SgBuffer`).
        unsafe { table.filled(move |fill: &mut LinkedFill| write_pages(fill, buffer, end, split)) }
            .or_else(|_| Self::in_two_passes(dev, buffer, split, dev.constraints().limit, options))
    }

    /// Builds the table for a device that must access the buffer in place.
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

    /// Builds the table for any buffer: counts the entries, then writes them.
    #[inline(never)]
    fn in_two_passes<B: SgBuffer>(
        dev: DmaDevice<'_>,
        buffer: &B,
        mut split: Split,
        limit: u64,
        options: SgOptions,
    ) -> Result<Self> {
        let attrs = options.attrs();
        let mut count: usize = 0;
        let counted = for_each_entry(dev, buffer, split, |entry| {
            if entry.last() > limit {
                check_beyond(dev, entry, attrs)?;
            }
            count = count.wrapping_add(1);
            Ok(())
        });
        match counted {
            Ok(()) => (),
            Err(TOO_LONG) if split.exceeds(dev.constraints().max_beyond) => {
                // It must bounce, so the entries must fit in bounce buffers.
                split.narrow(NonZero::new(dev.constraints().max_beyond).ok_or(EIO)?);
                return Self::in_two_passes(dev, buffer, split, limit, options);
            }
            Err(error) => return Err(error),
        }

        if count <= FLAT {
            let table = Self::flat(count, options)?;
            // SAFETY: The table is new, and has the entries that were counted; chunks do not change
            // (safety requirements of `SgBuffer`).
            unsafe {
                table.filled(move |fill: &mut FlatFill| write_entries(fill, dev, buffer, split))
            }
        } else {
            let table = Self::linked(count, options)?;
            // SAFETY: The table is new, and has the entries that were counted; chunks do not change
            // (safety requirements of `SgBuffer`).
            unsafe {
                table.filled(move |fill: &mut LinkedFill| write_entries(fill, dev, buffer, split))
            }
        }
    }

    /// Writes the entries with `write`.
    ///
    /// # Safety
    ///
    /// The table must be newly allocated, in this layout. If `write` succeeds, it must have written all of
    /// the table's entries, less those that were joined. It must never write more.
    #[inline(always)]
    unsafe fn filled<const LINKED: bool>(
        mut self,
        write: impl FnOnce(&mut Fill<LINKED>) -> Result,
    ) -> Result<Self> {
        // SAFETY: The table is new, and `write` writes no more entries than it has (safety requirements of
        // this function).
        let mut fill = unsafe { Fill::new(self.sgt.sgl) };
        write(&mut fill)?;
        // INVARIANT: These entries were written, and the last of them is flagged.
        self.sgt.orig_nents = self.allocated.wrapping_sub(fill.end());
        Ok(self)
    }

    /// Allocates a table of `count` entries in one array: at least 1, at most [`FLAT`].
    ///
    /// Each entry is written before it is read, so the array is not zeroed. `sg_alloc_table()` would zero
    /// it, and look for a second array.
    #[inline(always)]
    fn flat(count: usize, options: SgOptions) -> Result<Self> {
        // Less than a page, so it does not wrap.
        let size = count.wrapping_mul(size_of::<bindings::scatterlist>());
        // SAFETY: The function has no preconditions.
        let sgl = unsafe { bindings::__kmalloc_noprof(size, options.gfp.as_raw()) };
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
        })
    }

    /// Allocates a table of `count` entries, more than [`FLAT`], which describe nothing yet.
    #[inline(never)]
    fn linked(count: usize, options: SgOptions) -> Result<Self> {
        // The C API counts in `int`.
        let count = c_int::try_from(count).map_err(|_| EINVAL)?;
        // A local variable, so that the return value need not be in memory.
        let mut sgt = EMPTY;

        // SAFETY: The table is valid for writes, and `count` is positive, as the buffer is not empty.
        //
        // CAST: `count` is positive.
        let ret =
            unsafe { bindings::sg_alloc_table(&mut sgt, count as c_uint, options.gfp.as_raw()) };
        if ret != 0 {
            // The arguments cannot cause the other error, `EINVAL`.
            return Err(ENOMEM);
        }

        // INVARIANT: Allocated above.
        Ok(Self {
            sgt,
            allocated: sgt.orig_nents,
        })
    }
}

/// The error of [`check_beyond`] for an entry that must be split.
const TOO_LONG: Error = E2BIG;

/// Checks an entry that exceeds the limit up to which no entry needs a check.
///
/// Whether a small piece is bounced for its size also depends on the direction: the mapping checks that.
///
/// # Errors
///
/// - [`TOO_LONG`]: it must bounce, and is longer than a bounce buffer.
/// - `EIO`: as [`refusal::check`].
#[cold]
#[inline(never)]
fn check_beyond(dev: DmaDevice<'_>, entry: Chunk, attrs: c_ulong) -> Result {
    if entry.len > dev.constraints().max_beyond && refusal::must_bounce(dev, entry) {
        return Err(TOO_LONG);
    }
    refusal::check(dev, entry, ToDevice::RAW, attrs)
}

/// Writes the pages of `buffer`, which must lie before `end`. Fails if a page does not, and only then.
#[inline(always)]
fn write_pages<const LINKED: bool, B: SgBuffer>(
    fill: &mut Fill<LINKED>,
    buffer: &B,
    end: usize,
    split: Split,
) -> Result {
    walk::for_each_page(buffer, |page, offset, len| {
        if page.addr() >= end {
            return Err(EIO);
        }
        // SAFETY: The page is valid, and the bytes are within it (safety requirements of `SgBuffer`).
        unsafe { fill.push_page(page, offset, len, split) };
        Ok(())
    })
}

/// Writes the entries for `buffer`.
#[inline(always)]
fn write_entries<const LINKED: bool, B: SgBuffer>(
    fill: &mut Fill<LINKED>,
    dev: DmaDevice<'_>,
    buffer: &B,
    split: Split,
) -> Result {
    for_each_entry(dev, buffer, split, |entry| {
        // SAFETY: The entry is a part of the buffer's memory, which has pages (safety requirements of
        // `SgBuffer`). It is at most as long as a segment, which fits in 32 bits.
        unsafe { fill.push(entry) };
        Ok(())
    })
}

/// Calls `f` with the entries for `buffer`: adjacent chunks are joined, then split by the device's limits
/// at the addresses at which it finds them.
#[inline]
fn for_each_entry<B: SgBuffer>(
    dev: DmaDevice<'_>,
    buffer: &B,
    split: Split,
    mut f: impl FnMut(Chunk) -> Result,
) -> Result {
    let lines = Lines::of(dev);
    let joins = |first, second| lines.is_none_or(|lines| lines.joins(first, second));

    walk::for_each_run(buffer, joins, |mut run| {
        while run.len != 0 {
            let len = split.first(split::place(dev, run.phys), run.len);
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
