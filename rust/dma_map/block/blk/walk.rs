// SPDX-License-Identifier: GPL-2.0

//! The mapping of a request's data: at once if it is one segment, and else by C's iterator.

use super::{
    ffi::{
        self,
        DmaIter, //
    },
    mapping::Mapping,
    reserve::Reserve, //
};
use crate::{
    generic::errno::to_result,
    seg::segments::Segment,
    DmaDevice, //
};
use core::mem::MaybeUninit;
use kernel::{
    bindings,
    prelude::*, //
};

/// What C returns for data that is not one segment.
const NOT_ONE: c_int = -(bindings::EAGAIN as c_int);

/// Maps the data of a request to `segment` if it is one. `false` if it is not.
///
/// # Errors
///
/// Those of the mapping.
///
/// # Safety
///
/// `rq` must be a read or a write with data that the caller owns, and `dev` the device of its tag set.
#[inline]
pub(super) unsafe fn map_one(
    rq: *mut bindings::request,
    dev: DmaDevice<'_>,
    segment: &mut Segment,
) -> Result<bool> {
    // SAFETY: The request is valid (function precondition).
    if unsafe { (*rq).nr_phys_segments } != 1 {
        return Ok(false);
    }
    // SAFETY: By the preconditions of this function.
    unsafe { refuse(rq, dev) }?;

    // SAFETY: The request has data and is owned, and the device is bound (function preconditions).
    match unsafe { ffi::map_one(rq, dev.as_raw(), &mut segment.address) } {
        0 => {
            // SAFETY: The request is valid (function precondition).
            segment.len = unsafe { (*rq).__data_len };
            Ok(true)
        }
        // The walk knows what to do.
        NOT_ONE => Ok(false),
        // SAFETY: By the preconditions of this function.
        _ => Err(unsafe { failed(rq, dev) }),
    }
}

/// Keeps C from data that it can't map, where it prints a warning.
///
/// # Safety
///
/// As for [`map_one`].
#[inline]
unsafe fn refuse(rq: *mut bindings::request, dev: DmaDevice<'_>) -> Result {
    let limit = dev.constraints().limit;

    // SAFETY: The request has data and is owned, and the device is bound (function preconditions).
    if limit != u64::MAX && unsafe { ffi::rq_refused(rq, dev.as_raw(), limit) } {
        return Err(EIO);
    }
    Ok(())
}

/// Returns why C had no room for data. It gives no reason for what does not fit.
///
/// # Safety
///
/// As for [`map_one`].
#[cold]
unsafe fn failed(rq: *mut bindings::request, dev: DmaDevice<'_>) -> Error {
    // SAFETY: The request is owned, and the device is bound (function preconditions).
    match unsafe { ffi::rq_never(rq, dev.as_raw()) } {
        true => EIO,
        false => ENOMEM,
    }
}

/// Where a walk is.
enum Stage {
    Before,
    Within,
    After,
}

/// A walk through the data of a request that maps one segment after the other.
///
/// # Invariants
///
/// - `rq` is a read or a write with data that the walk has to itself during `'a`.
/// - `dev` and `reserve` are those of its tag set.
/// - `iter` is initialised by C after the stage `Before`.
pub(super) struct Walk<'a> {
    rq: *mut bindings::request,
    dev: DmaDevice<'a>,
    reserve: &'a Reserve,
    mapping: &'a mut Mapping,
    iter: MaybeUninit<DmaIter>,
    stage: Stage,
    result: Result,
}

impl<'a> Walk<'a> {
    /// # Safety
    ///
    /// The type invariants must hold, and `mapping` be none.
    #[inline(always)]
    pub(super) unsafe fn new(
        rq: *mut bindings::request,
        dev: DmaDevice<'a>,
        reserve: &'a Reserve,
        mapping: &'a mut Mapping,
    ) -> Self {
        // INVARIANT: By the precondition of this function.
        Self {
            rq,
            dev,
            reserve,
            mapping,
            iter: MaybeUninit::uninit(),
            stage: Stage::Before,
            result: Ok(()),
        }
    }

    /// Ends the walk.
    ///
    /// # Errors
    ///
    /// Those of the mapping; `EINVAL` if it did not come to the end.
    pub(super) fn finish(&mut self) -> Result {
        match self.result.is_ok() && self.next().is_some() {
            true => Err(EINVAL),
            false => self.result,
        }
    }

    /// Returns the reason why the walk ended early, if it did.
    pub(super) fn error(&self) -> Result {
        self.result
    }

    /// Maps the next segment. `None` at the end, and after an error.
    pub(super) fn next(&mut self) -> Option<Segment> {
        let next = self.step();
        if !matches!(next, Ok(Some(_))) {
            self.stage = Stage::After;
        }
        next.unwrap_or_else(|error| {
            self.result = Err(error);
            None
        })
    }

    fn step(&mut self) -> Result<Option<Segment>> {
        let raw = self.dev.as_raw();
        match self.stage {
            Stage::Before => {
                // SAFETY: The request has data and is owned, and the device is its tag set's (type
                // invariants).
                unsafe { refuse(self.rq, self.dev) }?;
                let mut state = bindings::dma_iova_state::default();
                // SAFETY: The request has data and is owned, and its memory is not refused. There is room for the
                // iterator.
                let more =
                    unsafe { ffi::map_first(self.rq, raw, &mut state, self.iter.as_mut_ptr()) };
                // INVARIANT: C has initialised the iterator.
                self.stage = Stage::Within;
                self.check()?;
                if !more {
                    return Ok(None);
                }
                if state.__size != 0 {
                    self.stage = Stage::After;
                    let segment = self.segment();
                    // SAFETY: C has linked all of the request, and returned its length.
                    unsafe { self.mapping.note_iova(state, segment.len) };
                    return Ok(Some(segment));
                }
            }
            Stage::Within => {
                // SAFETY: `map_first` has returned `true`, and has initialised the iterator of this request.
                if !unsafe { ffi::map_next(self.rq, raw, self.iter.as_mut_ptr()) } {
                    return self.check().map(|()| None);
                }
            }
            Stage::After => return Ok(None),
        }

        let segment = self.segment();
        // SAFETY: C has mapped the segment for the device, in the direction of the request, and not as a
        // range of IOVAs.
        unsafe { self.mapping.note(self.dev, self.rq, self.reserve, segment) }?;
        Ok(Some(segment))
    }

    /// Returns why C has mapped no segment: `Ok` at the end, `ENOMEM` if that may change. Called after
    /// `map_first`.
    ///
    /// Memory of another device is not unmapped after the error. There is none, because the queue does not
    /// say that it takes it (`BLK_FEAT_PCI_P2PDMA`).
    fn check(&self) -> Result {
        // SAFETY: `map_first` was called with it.
        to_result(unsafe { ffi::check_iter(self.iter.as_ptr()) }).map_err(|error| match error {
            // SAFETY: The request is owned, and the device is its tag set's (type invariants).
            ENOMEM => unsafe { failed(self.rq, self.dev) },
            error => error,
        })
    }

    /// Returns the segment that C has mapped. Called after `map_first`.
    fn segment(&self) -> Segment {
        // SAFETY: `map_first` has initialised the iterator (type invariants).
        let iter = unsafe { self.iter.assume_init_ref() };
        Segment {
            address: iter.address,
            len: iter.len,
        }
    }
}
