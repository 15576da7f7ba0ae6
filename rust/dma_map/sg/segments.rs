// SPDX-License-Identifier: GPL-2.0

//! What the device is told of a scatter-gather mapping.

use super::table::{
    Split,
    Table, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    dma::DmaAddress,
    prelude::*, //
};

/// A piece of memory, as the device reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The DMA address of the first byte.
    pub address: DmaAddress,
    /// The number of bytes; not 0.
    pub len: u32,
}

impl Segment {
    /// What there is before the first entry and after the last.
    pub(super) const NOTHING: Self = Self { address: 0, len: 0 };

    /// The address behind the last byte; within an entry or at its end, so that it wraps at most
    /// to 0.
    #[inline]
    pub(super) fn end(self) -> DmaAddress {
        self.address.wrapping_add(self.len.into())
    }

    /// Cuts the first `len` bytes off.
    #[inline]
    pub(super) fn take(&mut self, len: u32) -> Self {
        let first = Self {
            address: self.address,
            len,
        };
        self.address = first.end();
        self.len = self.len.wrapping_sub(len);
        first
    }
}

/// The entries that a mapping has left, in order; none is empty.
///
/// # Invariants
///
/// In a `Table`, `sg` is the first of `left` entries of a terminated list that does not change
/// during `'a`, or NULL.
#[derive(Clone)]
pub(super) enum Entries<'a> {
    /// In a scatter-gather table that is mapped.
    Table {
        sg: *mut bindings::scatterlist,
        left: u32,
        _table: PhantomData<&'a bindings::sg_table>,
    },
    /// In a list that was copied from one.
    List(core::slice::Iter<'a, Segment>),
}

// SAFETY: Reads entries that are borrowed during `'a` and do not change meanwhile.
unsafe impl Send for Entries<'_> {}

impl<'a> Entries<'a> {
    /// The entries of `table`, which must be mapped.
    #[inline]
    pub(super) fn of(table: &'a Table) -> Self {
        // SAFETY: The table is borrowed, and changes by `&mut` only.
        unsafe { Self::of_raw(table.sgl(), table.mapped()) }
    }

    /// The first `left` entries from `sg` on.
    ///
    /// # Safety
    ///
    /// `sg` must be NULL, or the first entry of a terminated list that does not change during `'a`.
    #[inline]
    pub(super) unsafe fn of_raw(sg: *mut bindings::scatterlist, left: u32) -> Self {
        // INVARIANT: By the safety requirements of this function.
        Self::Table {
            sg,
            left,
            _table: PhantomData,
        }
    }
}

impl Iterator for Entries<'_> {
    type Item = Segment;

    #[inline]
    fn next(&mut self) -> Option<Segment> {
        match self {
            Self::List(list) => list.next().copied(),
            Self::Table { sg, left, .. } => {
                while *left != 0 && !sg.is_null() {
                    // SAFETY: By the type invariants `sg` is an entry.
                    let entry = unsafe {
                        Segment {
                            address: bindings::sg_dma_address(*sg),
                            len: bindings::sg_dma_len(*sg),
                        }
                    };

                    // INVARIANT: One entry further, or NULL behind the last.
                    *left = left.wrapping_sub(1);
                    // SAFETY: As above.
                    *sg = unsafe { bindings::sg_next(*sg) };

                    // A table of somebody else may not be mapped at all.
                    if entry.len != 0 {
                        return Some(entry);
                    }
                }
                None
            }
        }
    }
}

/// The segments of a mapping, in order.
///
/// Each one honours the device's `max_segment_size` and `segment_boundary`, whatever an IOMMU has
/// joined, and together they are the mapped bytes exactly. For a descriptor that holds less than
/// the device's limits say, [`split`](Self::split) and [`split_boundary`](Self::split_boundary)
/// narrow them; nothing is allocated for it.
///
/// # Examples
///
/// ```ignore
/// let segments = mapping.segments().split(4096)?;
/// if !segments.fits(ring.room()) {
///     return Err(EAGAIN);
/// }
/// for segment in segments {
///     ring.push(segment.address, segment.len);
/// }
/// ```
#[derive(Clone)]
pub struct Segments<'a> {
    entries: Entries<'a>,
    /// What is left of the entry before.
    rest: Segment,
    split: Split,
}

impl<'a> Segments<'a> {
    /// Iterates over `entries`.
    #[inline]
    pub(super) fn new(entries: Entries<'a>, split: Split) -> Self {
        Self {
            entries,
            rest: Segment::NOTHING,
            split,
        }
    }

    /// Makes the segments from here on no longer than `max_len` bytes.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL` for 0.
    #[inline]
    pub fn split(mut self, max_len: u32) -> Result<Self> {
        if max_len == 0 {
            return Err(EINVAL);
        }
        self.split.narrow(max_len.into(), u64::MAX);
        Ok(self)
    }

    /// Makes the segments from here on cross no multiple of `mask + 1`.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL` unless `mask` is one less than a power of two.
    #[inline]
    pub fn split_boundary(mut self, mask: u64) -> Result<Self> {
        if mask & mask.wrapping_add(1) != 0 {
            return Err(EINVAL);
        }
        self.split.narrow(u64::MAX, mask);
        Ok(self)
    }

    /// Returns whether there are at most `count` segments from here on.
    ///
    /// To know how many there are, `clone().count()` them; this stops when it knows enough.
    /// Context: any.
    #[inline]
    pub fn fits(&self, count: usize) -> bool {
        self.clone().nth(count).is_none()
    }
}

impl Iterator for Segments<'_> {
    type Item = Segment;

    #[inline]
    fn next(&mut self) -> Option<Segment> {
        if self.rest.len == 0 {
            self.rest = self.entries.next()?;
        }

        #[allow(clippy::useless_conversion, reason = "`dma_addr_t` may be 32 bits")]
        let len = self
            .split
            .first(self.rest.address.into(), self.rest.len.into());

        // CAST: Not longer than the entry, whose length is 32 bits.
        Some(self.rest.take(len as u32))
    }
}
