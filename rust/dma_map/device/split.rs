// SPDX-License-Identifier: GPL-2.0

//! Splitting of memory into segments that a device takes.

use super::DmaDevice;
use crate::sys::ffi;
use core::num::NonZero;
use kernel::page::PAGE_SIZE;

/// Returns the address of the byte at `phys` by which segments of `dev` are cut: the physical address,
/// or the DMA address if that may cut them elsewhere.
#[inline(always)]
pub(crate) fn place(dev: DmaDevice<'_>, phys: u64) -> u64 {
    match dev.constraints().keeps_segments {
        true => phys,
        // SAFETY: `dev` is bound, so it is valid.
        false => unsafe { ffi::phys_to_dma(dev.as_raw(), phys) },
    }
}

/// The largest length of an entry, not 0, and the boundary that it must not cross.
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

    /// Returns the segment limits of `dev`.
    #[inline]
    pub(crate) fn of(dev: DmaDevice<'_>) -> Self {
        Self {
            max: dev.constraints().max_segment,
            boundary: dev.constraints().boundary,
        }
    }

    /// Returns the limits of an entry of a table that is mapped for `dev`.
    #[inline]
    pub(crate) fn of_entries(dev: DmaDevice<'_>) -> Self {
        Self {
            max: dev.constraints().max_entry,
            boundary: dev.constraints().boundary,
        }
    }

    /// Narrows the length.
    #[inline]
    pub(crate) fn narrow(&mut self, max: NonZero<u64>) {
        self.max = self.max.min(max.get());
    }

    /// Narrows the boundary to `mask`.
    #[inline]
    pub(crate) fn narrow_boundary(&mut self, mask: u64) {
        self.boundary = self.boundary.min(mask);
    }

    /// Returns whether there can be a segment longer than `max`.
    pub(crate) fn exceeds(self, max: u64) -> bool {
        self.max > max
    }

    /// Returns the length of a segment of `len` bytes joined with the next `more` bytes, up to a page,
    /// that begin the page at `phys`; `None` if they cannot be joined.
    #[inline]
    pub(crate) const fn join(self, phys: u64, len: u32, more: u32) -> Option<u32> {
        // CAST: Widened, so that the sum does not wrap.
        let sum = (len as u64).wrapping_add(more as u64);

        // A boundary is at least a page's.
        if sum <= self.max && phys & self.boundary != 0 {
            // CAST: A segment has at most `max_segment_size` bytes, which is 32 bits.
            Some(sum as u32)
        } else {
            None
        }
    }

    /// Returns how many of `len` bytes at `addr` can be one segment; at least 1 if `len` is not 0.
    #[inline]
    pub(crate) fn first(self, addr: u64, len: u64) -> u64 {
        // The distance to the last byte before the boundary; adding 1 wraps only for a boundary
        // of all ones at address 0, where there is nothing to cross.
        let to_boundary = (self.boundary & !addr).saturating_add(1);

        len.min(self.max).min(to_boundary)
    }
}

// Bytes that do not fit the 32 bits of a length are not joined, and none is lost.
const _: () = {
    const LARGEST: Split = Split {
        max: u32::MAX as u64,
        boundary: u64::MAX,
    };
    const PAGE: u32 = PAGE_SIZE as u32;
    let all_but_one = 0u32.wrapping_sub(PAGE);

    assert!(LARGEST.join(1 << 32, all_but_one, PAGE).is_none());
    assert!(matches!(
        LARGEST.join(1 << 32, all_but_one.wrapping_sub(PAGE), PAGE),
        Some(len) if len == all_but_one
    ));
    assert!(matches!(
        LARGEST.join(1 << 32, all_but_one, PAGE.wrapping_sub(1)),
        Some(u32::MAX)
    ));
};
