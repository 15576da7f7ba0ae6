// SPDX-License-Identifier: GPL-2.0

//! DMA segments of a scatter-gather mapping.

use super::fill::{
    follow,
    CHAIN, //
};
use crate::{
    device::{
        constraints::widen,
        split::Split, //
    },
    generic::variance::Invariant,
    handle::{
        Backing,
        Several, //
    },
};
use core::{
    marker::PhantomData,
    num::NonZero, //
};
use kernel::{
    bindings,
    dma::DmaAddress,
    prelude::*, //
};

/// A contiguous range of DMA addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The DMA address of the first byte.
    pub address: DmaAddress,
    /// The number of bytes; not 0.
    pub len: u32,
}

impl Segment {
    /// The empty segment before the first entry and after the last.
    pub(crate) const EMPTY: Self = Self { address: 0, len: 0 };

    /// Returns the address after the last byte. It is within an entry or at its end, so it wraps at most
    /// to 0.
    #[inline]
    pub(crate) fn end(self) -> DmaAddress {
        self.address.wrapping_add(self.len.into())
    }

    /// Cuts off the first `len` bytes.
    #[inline]
    pub(crate) fn skip(&mut self, len: u32) {
        self.address = self.address.wrapping_add(len.into());
        self.len = self.len.wrapping_sub(len);
    }
}

/// The remaining entries of a mapping, in order, without empty ones.
#[derive(Clone)]
pub(crate) enum Entries<'a> {
    /// The entries of a mapped scatter-gather table.
    Table(Segments<'a>),
    /// A list that was copied from one.
    List(core::slice::Iter<'a, Segment>),
}

impl Iterator for Entries<'_> {
    type Item = Segment;

    #[inline]
    fn next(&mut self) -> Option<Segment> {
        match self {
            // A table from elsewhere may not be mapped, so that its entries have no DMA length.
            Self::Table(table) => table.find(|entry| entry.len != 0),
            Self::List(list) => list.next().copied(),
        }
    }
}

/// Returns the DMA length of an entry, as `sg_dma_len()`, which would be a call from Rust.
///
/// # Safety
///
/// `sg` must be an entry of a list.
#[inline]
unsafe fn dma_len(sg: *const bindings::scatterlist) -> u32 {
    #[cfg(CONFIG_NEED_SG_DMA_LENGTH)]
    // SAFETY: `sg` is an entry (safety requirements of this function).
    return unsafe { (*sg).dma_length };

    #[cfg(not(CONFIG_NEED_SG_DMA_LENGTH))]
    // SAFETY: `sg` is an entry (safety requirements of this function).
    unsafe {
        (*sg).length
    }
}

/// The segments of a mapping, in order.
///
/// Each segment honours the device's `max_segment_size` and `segment_boundary`, even if an IOMMU has
/// joined entries. Together they are exactly the mapped bytes. For a descriptor with tighter limits than
/// the device's, use [`split`](Self::split) and [`split_boundary`](Self::split_boundary), which allocate
/// nothing.
///
/// # Examples
///
/// ```ignore,run
/// # struct Ring(u32);
/// # impl Ring {
/// #     fn room(&self) -> usize { 8 }
/// #     fn push(&mut self, _address: DmaAddress, len: u32) { self.0 += len.min(4096) }
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
/// # pub fn run(dma: DmaDevice<'_>, engine: Device, _regs: &pci::Bar<'_>) -> Result {
/// #     let buffer = VVec::from_elem(0u8, 10_000, GFP_KERNEL)?;
/// #     let mapping = SgMapping::map(dma, buffer, ToDevice, engine, Gfp::Kernel)?;
/// #     let mut ring = Ring(0);
/// #     example(mapping.segments(), &mut ring)?;
/// #     check(ring.0 == 10_000)
/// # }
/// ```
///
/// # Invariants
///
/// If `left` is not 0, `sg` is the first of `left` entries of a table that does not change during `'a`, or
/// a link to it.
#[derive(Clone)]
pub struct Segments<'a> {
    sg: *const bindings::scatterlist,
    left: usize,
    _table: Invariant<'a>,
}

// SAFETY: The iterator only reads entries, which do not change during `'a`.
unsafe impl Send for Segments<'_> {}

impl<'a> Segments<'a> {
    /// Iterates over `left` entries from `sg` on.
    ///
    /// # Safety
    ///
    /// If `left` is not 0, `sg` must be the first of `left` entries of a table that does not change during
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

    /// Splits the remaining segments, so that none is longer than `max_len` bytes.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `max_len` is 0.
    #[inline]
    pub fn split(self, max_len: u32) -> Result<SplitSegments<'a>> {
        SplitSegments::from(self).split(max_len)
    }

    /// Splits the remaining segments, so that none crosses a multiple of `mask + 1`.
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

    /// Returns whether at most `count` segments remain.
    ///
    /// Context: any.
    #[inline]
    pub fn fits(&self, count: usize) -> bool {
        self.left <= count
    }
}

impl Iterator for Segments<'_> {
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

        // INVARIANT: `sg` is the next entry, if one is left.
        self.left = self.left.wrapping_sub(1);
        self.sg = self.sg.wrapping_add(1);
        Some(entry)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Segments<'_> {}

/// Memory that is scattered for the device.
///
/// # Safety
///
/// All segments that [`segments`](Self::segments) returns are mapped.
pub unsafe trait Scattered: Backing<Shape = Several> {
    /// Returns the segments for the device.
    ///
    /// # Safety
    ///
    /// The memory must stay mapped during `'a`.
    unsafe fn segments<'a>(&self) -> SplitSegments<'a>;
}

/// The segments of a mapping, in order, within limits that can be narrowed.
///
/// The limits are those of the device, or tighter ones, such as those of a descriptor.
#[derive(Clone)]
pub struct SplitSegments<'a> {
    /// The entries after the current one.
    entries: Entries<'a>,
    /// The address of the rest of the current entry.
    address: DmaAddress,
    left: u64,
    split: Split,
}

impl<'a> From<Segments<'a>> for SplitSegments<'a> {
    #[inline]
    fn from(segments: Segments<'a>) -> Self {
        Self::new(Entries::Table(segments), Split::NONE)
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

    /// Iterates over `len` bytes at `address`; the addresses must not wrap before their end.
    #[inline]
    pub(crate) fn of_range(address: DmaAddress, len: usize, split: Split) -> Self {
        Self {
            entries: Entries::List([].iter()),
            address,
            left: len as u64,
            split,
        }
    }

    /// Splits the remaining segments, so that none is longer than `max_len` bytes; see [`Segments::split`].
    #[inline]
    pub fn split(mut self, max_len: u32) -> Result<Self> {
        self.split
            .narrow(NonZero::new(max_len.into()).ok_or(EINVAL)?);
        Ok(self)
    }

    /// Splits the remaining segments, so that none crosses a multiple of `mask + 1`; see
    /// [`Segments::split_boundary`].
    #[inline]
    pub fn split_boundary(mut self, mask: u64) -> Result<Self> {
        if mask & mask.wrapping_add(1) != 0 {
            return Err(EINVAL);
        }
        self.split.narrow_boundary(mask);
        Ok(self)
    }

    /// Returns whether at most `count` segments remain.
    ///
    /// Stops counting after `count`; for the exact number, use `clone().count()`. Context: any.
    #[inline]
    pub fn fits(&self, count: usize) -> bool {
        self.clone().nth(count).is_none()
    }

    /// Cuts off the next segment, of at most `max` bytes, and returns its address and length.
    ///
    /// `max` must not be 0.
    #[inline]
    pub(crate) fn cut(&mut self, max: u64) -> Option<(DmaAddress, u64)> {
        if self.left == 0 {
            let entry = self.entries.next()?;
            (self.address, self.left) = (entry.address, entry.len.into());
        }

        let address = self.address;
        let len = self.split.first(widen(address), self.left).min(max);

        // The address is within an entry or at its end, so it wraps at most to 0.
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
