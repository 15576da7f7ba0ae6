// SPDX-License-Identifier: GPL-2.0

//! Pieces: DMA addresses with their length, direction and engine.

use super::segments::SplitSegments;
use crate::{
    device::split::Split,
    direction::Direction,
    generic::variance::Invariant, //
};
use core::{
    marker::PhantomData,
    ops::Range, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// The type parameters of a piece.
type Kind<D, E> = PhantomData<(D, fn() -> E)>;

/// A contiguous range of DMA addresses that a device may access during `'a`.
///
/// `D` is the direction of the mapping, and `E` the [mark](crate::Engine::Mark) of its engine.
///
/// A function that writes an address to a register or a descriptor takes a piece. It requires the
/// direction by a bound: `CpuWrites` for memory that the device reads, `CpuReads` for memory that it
/// writes. It requires its own engine by the mark, which does not depend on what the handle holds: the
/// engine itself, a reference, an `Arc`.
///
/// A piece is one segment within the driver's limits ([`DmaLimits`](crate::DmaLimits)), unless it is of
/// coherent memory that was allocated with
/// [`beyond_segment_limits`](crate::CoherentOptions::beyond_segment_limits).
///
/// # Invariants
///
/// The `len` bytes at `address`, at least one, are mapped in direction `D`, or in both, by a handle that
/// is in a state of the device during `'a` and has an engine with the mark `E`.
///
/// # Examples
///
/// ```ignore
/// # const ADDRESS: usize = 0x10;
/// # const LENGTH: usize = 0x18;
/// # struct Port<'bound> { regs: pci::Bar<'bound> }
/// # impl Port<'_> {
/// fn send<D: CpuWrites>(&self, piece: Piece<'_, D, Self>) -> Result {
///     self.regs.try_write64(piece.address(), ADDRESS)?;
///     self.regs.try_write32(piece.len().try_into()?, LENGTH)
/// }
/// # }
/// ```
pub struct Piece<'a, D, E> {
    address: DmaAddress,
    len: usize,
    _handle: (Invariant<'a>, Kind<D, E>),
}

impl<D, E> Copy for Piece<'_, D, E> {}
impl<D, E> Clone for Piece<'_, D, E> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<'a, D: Direction, E> Piece<'a, D, E> {
    /// Creates a piece.
    ///
    /// # Safety
    ///
    /// `len` must not be 0. The bytes must be mapped in direction `D`, or in both, by a handle that is in a
    /// state of the device during `'a` and has an engine with the mark `E`.
    #[inline]
    pub(crate) unsafe fn new(address: DmaAddress, len: usize) -> Self {
        // INVARIANT: By the safety requirements of this function.
        Self {
            address,
            len,
            _handle: (PhantomData, PhantomData),
        }
    }

    /// Returns the address at which the device reaches the first byte.
    ///
    /// Context: any.
    #[inline]
    pub fn address(self) -> DmaAddress {
        self.address
    }

    /// Returns the number of bytes; not 0.
    #[inline]
    #[expect(
        clippy::len_without_is_empty,
        reason = "never empty, by the invariants"
    )]
    pub fn len(self) -> usize {
        self.len
    }

    /// Returns a part of the piece, in bytes.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL`: the range is empty, or does not lie within the piece.
    #[inline]
    pub fn part(self, range: Range<usize>) -> Result<Self> {
        if range.is_empty() || range.end > self.len {
            return Err(EINVAL);
        }

        // INVARIANT: The range is a part of the mapped bytes, and not empty.
        Ok(Self {
            // CAST: Within a mapping, whose addresses do not wrap.
            address: self.address.wrapping_add(range.start as DmaAddress),
            len: range.end.wrapping_sub(range.start),
            _handle: (PhantomData, PhantomData),
        })
    }

    /// Returns an iterator that cuts the piece into smaller ones.
    #[inline]
    pub fn pieces(self) -> Pieces<'a, D, E> {
        // SAFETY: The range is all of the piece, whose type invariants are the requirements.
        unsafe { Pieces::new(SplitSegments::of_range(self.address, self.len, Split::NONE)) }
    }
}

/// The pieces of scattered memory, in order.
///
/// The iterator yields pieces as large as the device's limits allow. Use [`cut`](Self::cut) for
/// commands, descriptors or buffers that hold less.
///
/// # Examples
///
/// ```ignore,run
/// # struct Ring(core::cell::Cell<usize>);
/// # impl Ring {
/// #     fn room(&self) -> usize { 1500 }
/// #     fn push<E>(&self, piece: Piece<'_, ToDevice, E>) -> Result {
/// #         self.0.set(self.0.get() + piece.len());
/// #         check(piece.len() <= self.room())
/// #     }
/// #     fn doorbell(&self) -> Result { Ok(()) }
/// # }
/// # let buffer = VVec::from_elem(0u8, 10_000, GFP_KERNEL)?;
/// # let ring = Ring(core::cell::Cell::new(0));
/// # let mapping = SgMapping::map(dma, buffer, ToDevice, engine, Gfp::Kernel)?;
/// let transfer = Transfer::start(mapping, |mut pieces| {
///     while let Some(piece) = pieces.cut(ring.room()) {
///         ring.push(piece)?;
///     }
///     ring.doorbell()
/// })?;
/// # check(ring.0.get() == 10_000 && transfer.complete()?.unmap().len() == 10_000)?;
/// ```
///
/// # Invariants
///
/// `segments` are those of a handle that is in a state of the device during `'a`, is mapped in direction
/// `D`, and has an engine with the mark `E`.
pub struct Pieces<'a, D, E> {
    segments: SplitSegments<'a>,
    _kind: Kind<D, E>,
}

impl<D, E> Clone for Pieces<'_, D, E> {
    #[inline]
    fn clone(&self) -> Self {
        Self {
            segments: self.segments.clone(),
            _kind: PhantomData,
        }
    }
}

impl<'a, D: Direction, E> Pieces<'a, D, E> {
    /// Iterates over the pieces of `segments`.
    ///
    /// # Safety
    ///
    /// `segments` must be those of a handle that is in a state of the device during `'a`, is mapped in
    /// direction `D`, and has an engine with the mark `E`.
    #[inline]
    pub(crate) unsafe fn new(segments: SplitSegments<'a>) -> Self {
        // INVARIANT: By the safety requirements of this function.
        Self {
            segments,
            _kind: PhantomData,
        }
    }

    /// Returns the next piece, of at most `max` bytes; `None` at the end.
    ///
    /// Also returns `None` if `max` is 0, because a piece is never empty. Context: any.
    #[inline]
    pub fn cut(&mut self, max: usize) -> Option<Piece<'a, D, E>> {
        if max == 0 {
            return None;
        }
        let (address, len) = self.segments.cut(max as u64)?;

        // SAFETY: The bytes are mapped by such a handle (type invariants). There is at least one: a segment
        // is not empty, and `max` is not 0.
        //
        // CAST: At most `max`.
        Some(unsafe { Piece::new(address, len as usize) })
    }

    /// Skips the next `len` bytes.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL`: fewer bytes remain. All of them are skipped then.
    #[inline]
    pub fn skip_bytes(&mut self, mut len: usize) -> Result {
        while len != 0 {
            // The piece has at most `len` bytes.
            len = len.wrapping_sub(self.cut(len).ok_or(EINVAL)?.len());
        }
        Ok(())
    }
}

impl<'a, D: Direction, E> Iterator for Pieces<'a, D, E> {
    type Item = Piece<'a, D, E>;

    #[inline]
    fn next(&mut self) -> Option<Piece<'a, D, E>> {
        self.cut(usize::MAX)
    }
}
