// SPDX-License-Identifier: GPL-2.0

//! The pieces of a request: segments that are mapped while the driver walks them.

use super::{
    mapping::Mapping,
    reserve::Reserve,
    walk::{
        map_one,
        Walk, //
    }, //
};
use crate::{
    device::{
        constraints,
        split::Split, //
    },
    generic::variance::Invariant,
    seg::segments::Segment,
    DmaDevice, //
};
use core::{
    marker::PhantomData,
    mem::MaybeUninit, //
};
use kernel::{
    bindings,
    dma::DmaAddress,
    prelude::*, //
};

/// A contiguous range of DMA addresses of a request's data.
///
/// `E` is the [mark](crate::Engine::Mark) of the engine of the request's command. The direction is that
/// of the operation: the device reads what a write has, and writes what a read wants.
///
/// The range is one segment within the driver's limits ([`DmaLimits`](crate::DmaLimits)).
pub struct RequestPiece<'a, E> {
    address: DmaAddress,
    len: u32,
    _mapping: (Invariant<'a>, PhantomData<fn() -> E>),
}

impl<E> Copy for RequestPiece<'_, E> {}
impl<E> Clone for RequestPiece<'_, E> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> RequestPiece<'_, E> {
    /// Returns the address at which the device reaches the first byte.
    ///
    /// The device must not be told of it before [`map`](super::Request::map) has returned the
    /// [`MappedRequest`](super::MappedRequest), which is the handle that an
    /// [`Engine`](crate::Engine)'s safety requirements speak of. A list that the device is told of later
    /// may have it at once.
    #[inline]
    pub fn address(self) -> DmaAddress {
        self.address
    }

    /// Returns the number of bytes; not 0.
    #[inline]
    #[expect(
        clippy::len_without_is_empty,
        reason = "never empty, because segments are not"
    )]
    pub fn len(self) -> u32 {
        self.len
    }
}

/// The pieces of a request, in order.
///
/// Data that is contiguous is mapped at once. Else each segment is mapped when the walk comes to it.
///
/// Behind an IOMMU all of the data is one range, as far as the segments have no gaps within its pages.
/// No list is made: what is needed for the unmapping is kept with the request, or in a list of the tag
/// set's reserve.
pub struct RequestPieces<'a, E> {
    dev: DmaDevice<'a>,
    /// What is mapped and was not handed out yet.
    rest: Segment,
    /// What maps the other segments. `None`: there are none, as for most requests.
    walk: Option<&'a mut Walk<'a>>,
    _mark: PhantomData<fn() -> E>,
}

impl<'a, E> RequestPieces<'a, E> {
    /// Maps the data if it is one segment, and else begins a walk.
    ///
    /// # Errors
    ///
    /// Those of the mapping.
    ///
    /// # Safety
    ///
    /// `rq` must be a read or a write with data that the caller owns during `'a`. `dev` and `reserve`
    /// must be those of its tag set, and `mapping` be none.
    #[inline]
    pub(super) unsafe fn new(
        rq: *mut bindings::request,
        dev: DmaDevice<'a>,
        reserve: &'a Reserve,
        mapping: &'a mut Mapping,
        room: &'a mut MaybeUninit<Walk<'a>>,
    ) -> Result<Self> {
        let mut this = Self {
            dev,
            rest: Segment::EMPTY,
            walk: None,
            _mark: PhantomData,
        };
        // SAFETY: By the precondition of this function.
        if unsafe { map_one(rq, dev, &mut this.rest) }? {
            // SAFETY: C has mapped all of the data for the device, in the direction of the request, and
            // not as a range of IOVAs.
            unsafe { mapping.note(dev, rq, reserve, this.rest) }?;
        } else {
            // SAFETY: By the precondition of this function.
            this.walk = Some(room.write(unsafe { Walk::new(rq, dev, reserve, mapping) }));
        }
        Ok(this)
    }

    /// Ends the walk.
    ///
    /// # Errors
    ///
    /// Those of the mapping; `EINVAL` if the walk did not come to the end.
    #[inline]
    pub(super) fn finish(&mut self) -> Result {
        if self.rest.len != 0 {
            return Err(EINVAL);
        }
        match &mut self.walk {
            Some(walk) => walk.finish(),
            None => Ok(()),
        }
    }

    /// Returns the reason why a walk ended early, if it is the mapping.
    #[inline]
    pub(super) fn error(&self) -> Result {
        match &self.walk {
            Some(walk) => walk.error(),
            None => Ok(()),
        }
    }

    /// Returns the next piece, of at most `max` bytes. `None` at the end, if `max` is 0, and if the rest
    /// cannot be mapped; then [`map`](super::Request::map) returns the reason.
    ///
    /// Context: any.
    #[inline]
    pub fn cut(&mut self, max: u32) -> Option<RequestPiece<'a, E>> {
        if max == 0 {
            return None;
        }
        if self.rest.len == 0 {
            self.rest = self.walk.as_mut()?.next()?;
        }
        let whole = self.rest;
        let constraints = self.dev.constraints();
        let (address, len) = (constraints::widen(whole.address), whole.len.into());
        // As a rule it is one piece.
        let len = match whole.len <= max
            && constraints.takes(len)
            && !constraints.crosses(address, len)
        {
            true => whole.len,
            // CAST: At most the length of the rest.
            false => Split::of(self.dev).first(address, len.min(max.into())) as u32,
        };
        self.rest.skip(len);
        Some(RequestPiece {
            address: whole.address,
            len,
            _mapping: (PhantomData, PhantomData),
        })
    }
}

impl<'a, E> Iterator for RequestPieces<'a, E> {
    type Item = RequestPiece<'a, E>;

    #[inline]
    fn next(&mut self) -> Option<RequestPiece<'a, E>> {
        self.cut(u32::MAX)
    }
}
