// SPDX-License-Identifier: GPL-2.0

//! Memory that the device may be told of.
//!
//! The device's registers take plain numbers. A [`Piece`] is an address with the length and the
//! direction that belong to it, and it borrows the handle that it came from.

use crate::engine::Edu;
use core::marker::PhantomData;
use dma_map::{
    direction::Direction,
    sg::{
        Segment,
        Segments,
        SgBuffer, //
    },
    Bidirectional,
    CoherentView,
    Device,
    SgMapping, //
};
use kernel::{
    dma::DmaAddress,
    io::Io,
    prelude::*,
    ptr::KnownSize,
    sync::Arc, //
};

/// A piece of memory that belongs to the device during `'a`.
///
/// # Invariants
///
/// The `len` bytes at `address` are mapped for the device in direction `D` during `'a`.
pub(crate) struct Piece<'a, D> {
    address: DmaAddress,
    len: u32,
    _handle: PhantomData<(&'a (), D)>,
}

impl<'a, D> Piece<'a, D> {
    /// The address, as this device takes it.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it has more than 32 bits, which the device's mask rules out.
    pub(crate) fn address(&self) -> Result<u32> {
        Ok(self.address.try_into()?)
    }

    /// The number of bytes.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }
}

impl<'a> Piece<'a, Bidirectional> {
    /// The first `len` bytes of coherent memory.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there are not so many.
    pub(crate) fn of_view<T: KnownSize + ?Sized>(
        view: CoherentView<'a, T>,
        len: usize,
    ) -> Result<Self> {
        if len > view.size() {
            return Err(EINVAL);
        }

        // INVARIANT: Coherent memory is mapped for both directions, contiguously, while it is
        // borrowed.
        Ok(Self {
            address: view.dma_address(),
            len: len.try_into()?,
            _handle: PhantomData,
        })
    }
}

/// Hands out a mapping piece by piece.
pub(crate) struct Pieces<'a, D> {
    segments: Segments<'a>,
    /// What is left of the segment at hand.
    rest: Segment,
    _direction: PhantomData<D>,
}

impl<'a, D: Direction> Pieces<'a, D> {
    /// Starts at `offset` of `mapping`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the mapping ends before.
    pub(crate) fn new<'bound: 'a, B: SgBuffer>(
        mapping: &'a SgMapping<'bound, B, D, Device<Arc<Edu<'bound>>>>,
        offset: usize,
    ) -> Result<Self> {
        let mut this = Self {
            segments: mapping.segments(),
            rest: Segment { address: 0, len: 0 },
            _direction: PhantomData,
        };

        let mut skip = offset.try_into()?;
        while skip != 0 {
            skip -= this.take(skip)?.len;
        }
        Ok(this)
    }

    /// Returns the next piece: at least one byte, at most `max`, which must not be 0.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is nothing left.
    pub(crate) fn take(&mut self, max: u32) -> Result<Piece<'a, D>> {
        if self.rest.len == 0 {
            self.rest = self.segments.next().ok_or(EINVAL)?;
        }

        let len = self.rest.len.min(max);
        // INVARIANT: A part of a segment of a mapping that is borrowed during `'a`.
        let piece = Piece {
            address: self.rest.address,
            len,
            _handle: PhantomData,
        };
        self.rest.address += DmaAddress::from(len);
        self.rest.len -= len;
        Ok(piece)
    }
}
