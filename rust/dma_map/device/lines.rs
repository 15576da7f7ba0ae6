// SPDX-License-Identifier: GPL-2.0

//! Cache lines that a device writes to, and what shares them.
//!
//! Where a device's DMA is not coherent with the caches, these are maintained line by line. A line
//! that the device writes to, and the CPU beside, loses one of the two. Small buffers of `kmalloc()`
//! share lines; so the kernel bounces what has a size that only they have, if the device writes to it
//! (`dma_kmalloc_needs_bounce()`): the buffer itself is then copied to by the CPU. It goes by the size
//! of what it maps, and by nothing else.
//!
//! The rule, for each piece as the kernel maps it: it has its lines to itself, or it is bounced.

pub use crate::sys::ffi::Small;

use super::{
    reach::Reach,
    split::{
        self,
        Split, //
    },
    DmaDevice, //
};
use crate::{
    direction::Direction,
    sys::{
        chunk::Chunk,
        ffi, //
    },
};
use kernel::prelude::*;

/// Judges a piece that a device writes to.
///
/// `unit` is that of the device's cache maintenance, 1 if it is coherent; `small` is what becomes of
/// small pieces, if this is one; and `whole` tells whether the piece has its lines to itself.
///
/// # Errors
///
/// - `EIO`: the kernel would bounce it, and cannot.
/// - `EINVAL`: what shares its lines would be harmed.
#[inline]
pub fn judge(unit: usize, small: Option<Small>, whole: impl FnOnce() -> bool) -> Result {
    match small {
        _ if unit <= 1 => Ok(()),
        Some(Small::Bounced) => Ok(()),
        Some(Small::Refused) => Err(EIO),
        _ if whole() => Ok(()),
        _ => Err(EINVAL),
    }
}

/// A device that is not coherent with the caches, and may write to what is mapped for it.
///
/// There is none on architectures without maintenance of caches, which the compiler knows.
#[derive(Clone, Copy)]
pub struct Lines<'a> {
    dev: DmaDevice<'a>,
}

impl<'a> Lines<'a> {
    /// `None` if `dev` is coherent with the caches.
    #[inline(always)]
    pub(crate) fn of(dev: DmaDevice<'a>) -> Option<Self> {
        (dev.reach().cache_alignment() > 1).then_some(Self { dev })
    }

    /// `None` if `dev` is coherent with the caches, or does not write in direction `D`.
    #[inline(always)]
    pub(crate) fn written<D: Direction>(dev: DmaDevice<'a>) -> Option<Self> {
        if D::DEVICE_WRITES {
            Self::of(dev)
        } else {
            None
        }
    }

    #[inline]
    fn reach(self) -> &'a Reach {
        self.dev.reach()
    }

    /// The size of a line, in bytes.
    #[inline]
    pub(crate) fn unit(self) -> usize {
        self.reach().cache_alignment()
    }

    /// What becomes of `len` bytes that are mapped as one piece, if it is a small one to the kernel.
    pub(crate) fn small(self, len: u64) -> Option<Small> {
        let small = self.reach().small();

        // CAST: What is longer than the address space is not small.
        let aligned = || ffi::kmalloc_size_aligned(usize::try_from(len).unwrap_or(usize::MAX));
        (small != Small::Mapped && !aligned()).then_some(small)
    }

    /// Judges `len` bytes that are mapped as one piece.
    ///
    /// # Errors
    ///
    /// Those of [`judge`].
    pub(crate) fn check_piece(self, len: u64, whole: impl FnOnce() -> bool) -> Result {
        judge(self.unit(), self.small(len), whole)
    }

    /// Judges a chunk of a buffer.
    ///
    /// It becomes an entry of a table: small ones are not [joined](Self::joins). But it may become
    /// more than one, which are smaller, and of which one may not be bounced.
    ///
    /// # Errors
    ///
    /// Those of [`judge`].
    pub(crate) fn check_chunk(self, chunk: Chunk, whole: impl FnOnce() -> bool) -> Result {
        let split = Split::of_entries(self.dev);
        let is_one = || split.first(split::place(self.dev, chunk.phys), chunk.len) == chunk.len;

        let small = self.small(chunk.len).filter(|_| is_one());
        judge(self.unit(), small, whole)
    }

    /// Returns whether a chunk of `second` bytes may be joined to what lies before it and has `first`:
    /// not if that hides from the kernel that one of them is small.
    #[inline]
    pub(crate) fn joins(self, first: u64, second: u64) -> bool {
        self.small(first).is_none() && self.small(second).is_none()
    }

    /// Checks pieces of these lengths, whose lines are not shared, or which are bounced.
    ///
    /// # Errors
    ///
    /// `EIO`: the kernel would bounce one of them, and cannot.
    #[inline(never)]
    pub(crate) fn check_lengths(self, mut lengths: impl Iterator<Item = u32>) -> Result {
        if self.reach().small() != Small::Refused {
            return Ok(());
        }
        if lengths.any(|len| self.small(len.into()).is_some()) {
            return Err(EIO);
        }
        Ok(())
    }
}
