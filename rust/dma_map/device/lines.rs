// SPDX-License-Identifier: GPL-2.0

//! Cache line sharing checks for memory that a device writes to.
//!
//! If a device's DMA is not coherent with the caches, the kernel maintains them line by line. If the
//! device and the CPU both write to a line, one write is lost. Small `kmalloc()` buffers share lines.
//! So the kernel bounces a piece of a size that only they have, if the device writes to it
//! (`dma_kmalloc_needs_bounce()`); the CPU then copies to the buffer. The kernel decides by the size of
//! the mapped piece only.
//!
//! The rule, for each piece as the kernel maps it: it shares no cache line, or it is bounced.

pub use crate::sys::ffi::Small;

use super::{
    constraints::Constraints,
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

/// Checks a piece that a device writes to.
///
/// `unit` is the device's cache maintenance unit, 1 if it is coherent. `small` is how the kernel maps
/// small pieces, if this is one. `whole` returns whether the piece shares no cache line.
///
/// # Errors
///
/// - `EIO`: the kernel would bounce it, and cannot.
/// - `EINVAL`: data in a shared cache line could be lost.
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
/// The compiler knows that there is none on architectures without cache maintenance.
#[derive(Clone, Copy)]
pub struct Lines<'a> {
    dev: DmaDevice<'a>,
}

impl<'a> Lines<'a> {
    /// Returns `None` if `dev` is coherent with the caches.
    #[inline(always)]
    pub(crate) fn of(dev: DmaDevice<'a>) -> Option<Self> {
        (dev.constraints().cache_alignment() > 1).then_some(Self { dev })
    }

    /// Returns `None` if `dev` is coherent with the caches, or does not write in direction `D`.
    #[inline(always)]
    pub(crate) fn written<D: Direction>(dev: DmaDevice<'a>) -> Option<Self> {
        if D::DEVICE_WRITES {
            Self::of(dev)
        } else {
            None
        }
    }

    #[inline]
    fn constraints(self) -> &'a Constraints {
        self.dev.constraints()
    }

    /// Returns the cache maintenance unit, in bytes.
    #[inline]
    pub(crate) fn unit(self) -> usize {
        self.constraints().cache_alignment()
    }

    /// Returns how the kernel maps `len` bytes as one piece, if that is a small piece to the kernel.
    pub(crate) fn small(self, len: u64) -> Option<Small> {
        let small = self.constraints().small;

        // CAST: A length that does not fit `usize` is not small.
        let aligned = || ffi::kmalloc_size_aligned(usize::try_from(len).unwrap_or(usize::MAX));
        (small != Small::Mapped && !aligned()).then_some(small)
    }

    /// Checks `len` bytes that are mapped as one piece.
    ///
    /// # Errors
    ///
    /// Those of [`judge`].
    pub(crate) fn check_piece(self, len: u64, whole: impl FnOnce() -> bool) -> Result {
        judge(self.unit(), self.small(len), whole)
    }

    /// Checks a chunk of a buffer.
    ///
    /// It becomes an entry of a table, because small chunks are not [joined](Self::joins). If it is
    /// split into several entries, they are smaller, and one of them may not be bounced.
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

    /// Returns whether a chunk of `second` bytes may be joined to the preceding one of `first` bytes:
    /// not if that hides from the kernel that one of them is small.
    #[inline]
    pub(crate) fn joins(self, first: u64, second: u64) -> bool {
        self.small(first).is_none() && self.small(second).is_none()
    }

    /// Checks the lengths of pieces that share no cache lines or are bounced.
    ///
    /// # Errors
    ///
    /// `EIO`: the kernel would bounce one of them, and cannot.
    #[inline(never)]
    pub(crate) fn check_lengths(self, mut lengths: impl Iterator<Item = u32>) -> Result {
        if self.constraints().small != Small::Refused {
            return Ok(());
        }
        if lengths.any(|len| self.small(len.into()).is_some()) {
            return Err(EIO);
        }
        Ok(())
    }
}
