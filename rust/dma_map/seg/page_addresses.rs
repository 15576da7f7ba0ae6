// SPDX-License-Identifier: GPL-2.0

//! Page addresses of a mapping, for page tables and for lists like NVMe's PRPs.

use super::segments::{
    Entries,
    Segment, //
};
use crate::device::constraints::widen;
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// The DMA addresses of the pages of a mapping, in order.
///
/// A list of pages has the offset of the data in the first page, and their length; it cannot have gaps.
/// So a mapping has such a list only if, at its DMA addresses,
///
/// - every page but the first has data from its start, and
/// - every page but the last has data up to its end.
///
/// If two entries meet within a page, without a gap, that page is listed once. Addresses are those of
/// whole pages; the data start [`offset`](Self::offset) bytes into the first one.
///
/// A device that gets the address of a page can access all of it. So [`is_whole`](Self::is_whole) must
/// hold where the device takes no length, as in page tables.
///
/// C API: `for_each_sgtable_dma_page()`, which does not check for gaps.
#[derive(Clone)]
pub struct PageAddresses<'a> {
    entries: Entries<'a>,
    /// The current entry.
    entry: Segment,
    /// The next page of the current entry.
    next: u64,
    /// The number of pages of the current entry, from `next` on.
    in_entry: u64,
    /// The number of pages of the mapping, from `next` on.
    left: usize,
    /// The size of a page, minus 1.
    mask: u64,
    offset: usize,
    whole: bool,
}

/// Returns the first page of `entry` that `before` does not end in, and the number of pages from there.
fn pages_of(before: Segment, entry: Segment, mask: u64) -> (u64, u64) {
    let address = widen(entry.address);
    // An entry is not empty.
    let last = address.wrapping_add(u64::from(entry.len).wrapping_sub(1)) & !mask;
    let mut first = address & !mask;
    if before.len != 0 && address & mask != 0 {
        first = first.wrapping_add(mask).wrapping_add(1);
    }

    // 0 if all of `entry` is in the page that `before` ends in.
    let count = match last.wrapping_sub(first) {
        // `first` is one page after `last`, or at it, or before it.
        behind if behind == !mask => 0,
        // The mask is at least 0, so the shift is at most 63; the count is less than an address.
        distance => distance.wrapping_shr(mask.count_ones()).wrapping_add(1),
    };
    (first, count)
}

impl<'a> PageAddresses<'a> {
    /// Checks that `entries` form a list of pages of `size` bytes, and counts the pages.
    pub(crate) fn new(entries: Entries<'a>, size: usize) -> Result<Self> {
        if !size.is_power_of_two() {
            return Err(EINVAL);
        }
        // `size` is not 0.
        let mask = (size as u64).wrapping_sub(1);
        let mut before = Segment::EMPTY;
        let mut left: u64 = 0;
        let mut offset = 0;

        for entry in entries.clone() {
            if before.len == 0 {
                offset = widen(entry.address) & mask;
            } else if before.end() != entry.address
                && (widen(before.end()) | widen(entry.address)) & mask != 0
            {
                return Err(EINVAL);
            }
            let (_, count) = pages_of(before, entry, mask);
            left = left.wrapping_add(count);
            before = entry;
        }

        Ok(Self {
            entries,
            entry: Segment::EMPTY,
            next: 0,
            in_entry: 0,
            // CAST: The pages are of memory that exists, so their number fits.
            left: left as usize,
            mask,
            // CAST: Less than `size`.
            offset: offset as usize,
            whole: offset == 0 && widen(before.end()) & mask == 0,
        })
    }

    /// Returns the offset of the data in the first page of the mapping, in bytes.
    #[inline]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Returns whether the mapping has all bytes of all of its pages.
    #[inline]
    pub fn is_whole(&self) -> bool {
        self.whole
    }
}

impl Iterator for PageAddresses<'_> {
    type Item = DmaAddress;

    fn next(&mut self) -> Option<DmaAddress> {
        while self.in_entry == 0 {
            let entry = self.entries.next()?;
            (self.next, self.in_entry) = pages_of(self.entry, entry, self.mask);
            self.entry = entry;
        }

        let page = self.next;
        self.next = page.wrapping_add(self.mask).wrapping_add(1);
        self.in_entry = self.in_entry.wrapping_sub(1);
        self.left = self.left.wrapping_sub(1);
        // CAST: The page is one of an entry, whose address is a `DmaAddress`.
        Some(page as DmaAddress)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for PageAddresses<'_> {}
