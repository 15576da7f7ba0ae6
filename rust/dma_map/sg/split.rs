// SPDX-License-Identifier: GPL-2.0

//! How long what a device is told of may be.

use crate::device::DmaDevice;

/// How long an entry may be, and what it must not cross.
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

    /// The limits of `dev`.
    #[inline]
    pub(crate) fn of(dev: DmaDevice<'_>) -> Self {
        Self {
            max: dev.reach().max_segment(),
            boundary: dev.reach().boundary(),
        }
    }

    /// The limits of an entry of a table that is mapped for `dev`.
    #[inline]
    pub(crate) fn of_entries(dev: DmaDevice<'_>) -> Self {
        Self {
            max: dev.reach().max_entry(),
            boundary: dev.reach().boundary(),
        }
    }

    /// Adds limits to those that there are; `max` must not be 0, and `boundary` be a boundary.
    #[inline]
    pub(crate) fn narrow(&mut self, max: u64, boundary: u64) {
        self.max = self.max.min(max);
        self.boundary = self.boundary.min(boundary);
    }

    /// Returns whether the page at `phys` can be the end of a segment of `len` bytes in all.
    #[inline]
    pub(crate) fn joins(self, phys: u64, len: u64) -> bool {
        // A boundary is at least a page's.
        len <= self.max && phys & self.boundary != 0
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
