// SPDX-License-Identifier: GPL-2.0

//! The pieces of a request: segments that are mapped while the driver walks them.

use super::{
    ffi::{
        self,
        DmaIter, //
    },
    mapping::Mapping,
    reserve::Reserve, //
};
use crate::{
    device::{
        constraints,
        split::Split, //
    },
    generic::{
        errno::to_result,
        variance::Invariant, //
    },
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

/// What C returns for data that is not one segment.
const NOT_ONE: c_int = -(bindings::EAGAIN as c_int);

/// Where a walk is.
enum Stage {
    Before,
    Within,
    After,
}

/// The pieces of a request, in order.
///
/// Data that is contiguous is mapped at once. Else each segment is mapped when the walk comes to it.
///
/// Behind an IOMMU all of the data is one range, as far as the segments have no gaps within its pages.
/// No list is made: what is needed for the unmapping is kept with the request, or in a list of the tag
/// set's reserve.
pub struct RequestPieces<'a, E> {
    rq: *mut bindings::request,
    dev: DmaDevice<'a>,
    reserve: &'a Reserve,
    mapping: &'a mut Mapping,
    /// Initialised by C in the first step of a walk.
    iter: &'a mut MaybeUninit<DmaIter>,
    stage: Stage,
    /// What is mapped and was not handed out yet.
    rest: Segment,
    result: Result,
    _mark: PhantomData<fn() -> E>,
}

impl<'a, E> RequestPieces<'a, E> {
    /// Begins a walk.
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
        iter: &'a mut MaybeUninit<DmaIter>,
    ) -> Self {
        Self {
            rq,
            dev,
            reserve,
            mapping,
            iter,
            stage: Stage::Before,
            rest: Segment::EMPTY,
            result: Ok(()),
            _mark: PhantomData,
        }
    }

    /// Maps the data if that can be done without a walk: if it is one segment.
    ///
    /// # Errors
    ///
    /// Those of the mapping.
    #[inline]
    pub(super) fn begin(&mut self) -> Result {
        // SAFETY: The request is valid (requirements of `new`).
        if unsafe { (*self.rq).nr_phys_segments } != 1 {
            return Ok(());
        }
        self.refuse()?;

        let mut address = 0;
        // SAFETY: The request has data and is owned, and the device is bound (requirements of `new`).
        match unsafe { ffi::map_one(self.rq, self.dev.as_raw(), &mut address) } {
            0 => {
                let segment = Segment {
                    address,
                    // SAFETY: The request is valid (requirements of `new`).
                    len: unsafe { (*self.rq).__data_len },
                };
                self.stage = Stage::After;
                // SAFETY: C has mapped all of the data for the device, in the direction of the request,
                // and not as a range of IOVAs.
                unsafe { self.mapping.note(self.dev, self.rq, self.reserve, segment) }?;
                self.rest = segment;
                Ok(())
            }
            // The walk knows what to do.
            NOT_ONE => Ok(()),
            _ => Err(self.failed()),
        }
    }

    /// Keeps C from data that it can't map, where it prints a warning.
    #[inline]
    fn refuse(&self) -> Result {
        let limit = self.dev.constraints().limit;

        // SAFETY: The request has data and is owned, and the device is bound (requirements of `new`).
        if limit != u64::MAX && unsafe { ffi::rq_refused(self.rq, self.dev.as_raw(), limit) } {
            return Err(EIO);
        }
        Ok(())
    }

    /// Returns why C had no room for data. It gives no reason for what does not fit.
    #[cold]
    fn failed(&self) -> Error {
        // SAFETY: The request is owned, and the device is bound (requirements of `new`).
        match unsafe { ffi::rq_never(self.rq, self.dev.as_raw()) } {
            true => EIO,
            false => ENOMEM,
        }
    }

    /// Ends the walk.
    ///
    /// # Errors
    ///
    /// Those of the mapping; `EINVAL` if the walk did not come to the end.
    #[inline]
    pub(super) fn finish(&mut self) -> Result {
        if self.result.is_ok() && (self.rest.len != 0 || self.next_segment()) {
            return Err(EINVAL);
        }
        self.result
    }

    /// Returns the reason why a walk ended early, if it is the mapping.
    #[inline]
    pub(super) fn error(&self) -> Result {
        self.result
    }

    /// Maps the next segment. `false` at the end, and after an error.
    #[inline]
    fn next_segment(&mut self) -> bool {
        !matches!(self.stage, Stage::After) && self.walk()
    }

    /// Maps the next segment by C's iterator.
    fn walk(&mut self) -> bool {
        let raw = self.dev.as_raw();

        match self.stage {
            Stage::Before => {
                self.result = self.refuse();
                if self.result.is_err() {
                    self.stage = Stage::After;
                    return false;
                }
                let mut state = bindings::dma_iova_state::default();
                // SAFETY: The request has data and is owned, and the device is bound (requirements of
                // `new`).
                let more =
                    unsafe { ffi::map_first(self.rq, raw, &mut state, self.iter.as_mut_ptr()) };
                self.stage = Stage::Within;
                self.result = self.check();
                if self.result.is_err() || !more {
                    // Memory of another device is not unmapped here. There is none, because the queue
                    // does not say that it takes it (`BLK_FEAT_PCI_P2PDMA`).
                    self.stage = Stage::After;
                    return false;
                }
                if state.__size != 0 {
                    self.stage = Stage::After;
                    self.rest = self.segment();
                    // SAFETY: C has linked all of the request, and returned its length.
                    unsafe { self.mapping.note_iova(state, self.rest.len) };
                    return true;
                }
            }
            Stage::Within => {
                // SAFETY: As above; `map_first` has returned `true`.
                if !unsafe { ffi::map_next(self.rq, raw, self.iter.as_mut_ptr()) } {
                    self.stage = Stage::After;
                    self.result = self.check();
                    return false;
                }
            }
            Stage::After => return false,
        }

        let segment = self.segment();
        // SAFETY: C has mapped the segment for the device, in the direction of the request, and not as a
        // range of IOVAs.
        self.result = unsafe { self.mapping.note(self.dev, self.rq, self.reserve, segment) };
        if self.result.is_err() {
            self.stage = Stage::After;
            return false;
        }
        self.rest = segment;
        true
    }

    /// Returns why C has mapped no segment: `Ok` at the end, `ENOMEM` if that may change. Called after
    /// `map_first`.
    fn check(&self) -> Result {
        // SAFETY: `map_first` was called with it.
        to_result(unsafe { ffi::check_iter(self.iter.as_ptr()) }).map_err(|error| match error {
            ENOMEM => self.failed(),
            error => error,
        })
    }

    /// Returns the segment that C has mapped. Called after `map_first`.
    #[inline]
    fn segment(&self) -> Segment {
        // SAFETY: `map_first` has initialised the iterator.
        let iter = unsafe { self.iter.assume_init_ref() };
        Segment {
            address: iter.address,
            len: iter.len,
        }
    }

    /// Returns the next piece, of at most `max` bytes. `None` at the end, if `max` is 0, and if the rest
    /// cannot be mapped; then [`map`](super::Request::map) returns the reason.
    ///
    /// Context: any.
    #[inline]
    pub fn cut(&mut self, max: u32) -> Option<RequestPiece<'a, E>> {
        if max == 0 || (self.rest.len == 0 && !self.next_segment()) {
            return None;
        }
        // CAST: At most the length of the rest.
        let len = Split::of(self.dev).first(
            constraints::widen(self.rest.address),
            self.rest.len.min(max).into(),
        ) as u32;
        let piece = RequestPiece {
            address: self.rest.address,
            len,
            _mapping: (PhantomData, PhantomData),
        };
        self.rest.skip(len);
        Some(piece)
    }
}

impl<'a, E> Iterator for RequestPieces<'a, E> {
    type Item = RequestPiece<'a, E>;

    #[inline]
    fn next(&mut self) -> Option<RequestPiece<'a, E>> {
        self.cut(u32::MAX)
    }
}
