// SPDX-License-Identifier: GPL-2.0

//! What the device is told of a scatter-gather mapping.

use super::fill::{
    follow,
    CHAIN, //
};
use crate::{
    device::split::Split,
    generic::variance::Invariant,
    handle::{
        Backing,
        Several, //
    },
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
    pub(crate) const NOTHING: Self = Self { address: 0, len: 0 };

    /// The address behind the last byte; within an entry or at its end, so that it wraps at most
    /// to 0.
    #[inline]
    pub(crate) fn end(self) -> DmaAddress {
        self.address.wrapping_add(self.len.into())
    }

    /// Cuts the first `len` bytes off.
    #[inline]
    pub(crate) fn take(&mut self, len: u32) -> Self {
        let first = Self {
            address: self.address,
            len,
        };
        self.address = first.end();
        self.len = self.len.wrapping_sub(len);
        first
    }
}

/// The entries that a table has left, in order.
///
/// # Invariants
///
/// `sg` is the first of `left` entries of a list that does not change during `'a`, or a link to it, if
/// `left` is not 0.
#[derive(Clone)]
pub(crate) struct Left<'a> {
    sg: *const bindings::scatterlist,
    left: usize,
    _table: Invariant<'a>,
}

// SAFETY: Reads entries that are borrowed during `'a` and do not change meanwhile.
unsafe impl Send for Left<'_> {}

impl Iterator for Left<'_> {
    type Item = Segment;

    #[inline(always)]
    fn next(&mut self) -> Option<Segment> {
        if self.left == 0 {
            return None;
        }
        // SAFETY: By the type invariants `sg` is an entry, or a link to one.
        let entry = unsafe {
            if (*self.sg).page_link & CHAIN != 0 {
                self.sg = follow(self.sg);
            }
            Segment {
                address: (*self.sg).dma_address,
                len: dma_len(self.sg),
            }
        };

        // INVARIANT: One entry further, which exists if one is left.
        self.left = self.left.wrapping_sub(1);
        self.sg = self.sg.wrapping_add(1);
        Some(entry)
    }
}

impl<'a> Left<'a> {
    /// `left` entries from `sg` on.
    ///
    /// # Safety
    ///
    /// If `left` is not 0, `sg` must be the first of as many entries, of a list that does not change during
    /// `'a`.
    #[inline]
    pub(crate) unsafe fn new(sg: *const bindings::scatterlist, left: u32) -> Self {
        // INVARIANT: By the safety requirements of this function.
        Self {
            sg,
            // CAST: `usize` has at least 32 bits.
            left: left as usize,
            _table: PhantomData,
        }
    }

    /// The first `left` entries from `sg` on.
    ///
    /// # Safety
    ///
    /// `sg` must be NULL, or the first entry of a terminated list that does not change during `'a`.
    #[inline]
    pub(super) unsafe fn of_raw(sg: *const bindings::scatterlist, left: u32) -> Self {
        // INVARIANT: By the safety requirements of this function.
        Self {
            sg,
            // CAST: `usize` has at least 32 bits.
            left: if sg.is_null() { 0 } else { left as usize },
            _table: PhantomData,
        }
    }
}

/// The entries that a mapping has left, in order; none is empty.
#[derive(Clone)]
pub(crate) enum Entries<'a> {
    /// In a scatter-gather table that is mapped.
    Table(Left<'a>),
    /// In a list that was copied from one.
    List(core::slice::Iter<'a, Segment>),
}

impl Iterator for Entries<'_> {
    type Item = Segment;

    #[inline]
    fn next(&mut self) -> Option<Segment> {
        match self {
            // A table of somebody else may not be mapped at all.
            Self::Table(left) => left.find(|entry| entry.len != 0),
            Self::List(list) => list.next().copied(),
        }
    }
}

/// Returns what `sg_dma_len()` does, which is a call from Rust.
///
/// # Safety
///
/// `sg` must be an entry of a list.
#[inline]
unsafe fn dma_len(sg: *const bindings::scatterlist) -> u32 {
    #[cfg(CONFIG_NEED_SG_DMA_LENGTH)]
    // SAFETY: By the safety requirements of this function.
    return unsafe { (*sg).dma_length };

    #[cfg(not(CONFIG_NEED_SG_DMA_LENGTH))]
    // SAFETY: As above.
    unsafe {
        (*sg).length
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
/// # struct Ring;
/// # impl Ring {
/// #     fn room(&self) -> usize { 0 }
/// #     fn push(&mut self, _address: DmaAddress, _len: u32) {}
/// # }
/// # fn example(segments: Segments<'_>, ring: &mut Ring) -> Result {
/// let segments = segments.split(4096)?;
/// if !segments.fits(ring.room()) {
///     return Err(EAGAIN);
/// }
/// for segment in segments {
///     ring.push(segment.address, segment.len);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Segments<'a> {
    pub(super) left: Left<'a>,
}

impl<'a> Segments<'a> {
    /// Iterates over the first `count` entries from `sg` on.
    ///
    /// # Safety
    ///
    /// That of [`SplitSegments::of_raw`].
    #[inline]
    pub(crate) unsafe fn of_raw(sg: *const bindings::scatterlist, count: u32) -> Self {
        Self {
            // SAFETY: By the safety requirements of this function.
            left: unsafe { Left::of_raw(sg, count) },
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
    pub fn split(self, max_len: u32) -> Result<SplitSegments<'a>> {
        SplitSegments::from(self).split(max_len)
    }

    /// Makes the segments from here on cross no multiple of `mask + 1`.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL` unless `mask` is one less than a power of two.
    #[inline]
    pub fn split_boundary(self, mask: u64) -> Result<SplitSegments<'a>> {
        SplitSegments::from(self).split_boundary(mask)
    }

    /// Returns whether there are at most `count` segments from here on.
    ///
    /// Context: any.
    #[inline]
    pub fn fits(&self, count: usize) -> bool {
        self.left.left <= count
    }
}

impl Iterator for Segments<'_> {
    type Item = Segment;

    #[inline(always)]
    fn next(&mut self) -> Option<Segment> {
        self.left.next()
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left.left, Some(self.left.left))
    }
}

impl ExactSizeIterator for Segments<'_> {}

/// Memory that is scattered for the device.
///
/// # Safety
///
/// Whatever [`segments`](Self::segments) hands out is mapped.
pub unsafe trait Scattered: Backing<Shape = Several> {
    /// What the device is told.
    ///
    /// # Safety
    ///
    /// The memory must stay mapped during `'a`.
    unsafe fn segments<'a>(&self) -> SplitSegments<'a>;
}

/// The segments of a mapping, in order, within limits that can be narrowed: those of the device, or those
/// of a descriptor that holds less.
#[derive(Clone)]
pub struct SplitSegments<'a> {
    /// What comes behind `left`.
    entries: Entries<'a>,
    /// The address of what is left of the entry before.
    address: DmaAddress,
    left: u64,
    split: Split,
}

impl<'a> From<Segments<'a>> for SplitSegments<'a> {
    #[inline]
    fn from(segments: Segments<'a>) -> Self {
        Self::new(Entries::Table(segments.left), Split::NONE)
    }
}

impl<'a> SplitSegments<'a> {
    /// Iterates over `entries`.
    #[inline]
    pub(crate) fn new(entries: Entries<'a>, split: Split) -> Self {
        Self {
            entries,
            address: 0,
            left: 0,
            split,
        }
    }

    /// Iterates over `len` bytes at `address`, whose addresses do not wrap before their end.
    #[inline]
    pub(crate) fn of_range(address: DmaAddress, len: usize, split: Split) -> Self {
        Self {
            entries: Entries::List([].iter()),
            address,
            left: len as u64,
            split,
        }
    }

    /// Iterates over the entries of somebody else's table.
    ///
    /// # Safety
    ///
    /// `sg` must be NULL, or the first entry of a terminated list, of at least `count` entries, that
    /// does not change during `'a`.
    #[inline]
    pub(crate) unsafe fn of_raw(
        sg: *const bindings::scatterlist,
        count: u32,
        split: Split,
    ) -> Self {
        // SAFETY: By the safety requirements of this function.
        Self::new(Entries::Table(unsafe { Left::of_raw(sg, count) }), split)
    }

    /// Makes the segments from here on no longer than `max_len` bytes; see [`Segments::split`].
    #[inline]
    pub fn split(mut self, max_len: u32) -> Result<Self> {
        if max_len == 0 {
            return Err(EINVAL);
        }
        self.split.narrow(max_len.into(), u64::MAX);
        Ok(self)
    }

    /// Makes the segments from here on cross no multiple of `mask + 1`; see
    /// [`Segments::split_boundary`].
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

    /// Returns the address and the length of the next segment, of at most `max` bytes, which is not 0.
    #[inline]
    pub(crate) fn cut(&mut self, max: u64) -> Option<(DmaAddress, u64)> {
        if self.left == 0 {
            let entry = self.entries.next()?;
            (self.address, self.left) = (entry.address, entry.len.into());
        }

        let address = self.address;
        #[allow(clippy::useless_conversion, reason = "`dma_addr_t` may be 32 bits")]
        let len = self.split.first(address.into(), self.left).min(max);

        // Within an entry or at its end, so that it wraps at most to 0.
        self.address = address.wrapping_add(len as DmaAddress);
        self.left = self.left.wrapping_sub(len);
        Some((address, len))
    }
}

impl Iterator for SplitSegments<'_> {
    type Item = Segment;

    #[inline]
    fn next(&mut self) -> Option<Segment> {
        let (address, len) = self.cut(u64::MAX)?;

        Some(Segment {
            address,
            // CAST: Not longer than an entry of a table, or than `max_segment_size`, which are 32 bits.
            len: len as u32,
        })
    }
}
