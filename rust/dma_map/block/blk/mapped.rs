// SPDX-License-Identifier: GPL-2.0

//! Requests that are mapped for the device.

use super::{
    mapping::Mapping,
    operations::Operations,
    pieces::RequestPieces,
    request::{
        Operation,
        Request,
        RequestInfo, //
    },
    shared::Pdu, //
};
use crate::{
    error::{
        Busy,
        MapError, //
    },
    generic::variance::InvariantIn,
    model::engine,
    DmaDevice, //
};
use core::{
    marker::PhantomData,
    mem::{
        ManuallyDrop,
        MaybeUninit, //
    },
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    prelude::*, //
};

impl<T: Operations> RequestInfo<T> {
    /// Returns the device that requests are mapped for.
    #[inline]
    pub(super) fn device(&self) -> DmaDevice<'_> {
        // SAFETY: The token is valid while a disk of the tag set is not removed (invariants of `Shared`),
        // which waits for the request.
        unsafe { DmaDevice::from_binding(self.shared().binding()) }
    }

    /// Returns the engine of the request's command.
    #[inline]
    fn engine(&self) -> T::Engine<'_> {
        // SAFETY: The contents exist while a disk of the tag set is not removed (invariants of `Shared`),
        // which waits for the request. Its operations are `T`.
        let contents = unsafe { &*self.shared().contents().cast::<T>() };
        contents.engine(self.queue(), self.tag())
    }

    /// Returns whether the device is done with the data.
    #[inline]
    pub(super) fn is_done(&self, mapping: &Mapping) -> bool {
        !mapping.is_some() || engine::is_idle(&self.engine())
    }

    /// Stops the device unless it is done. `false` if it cannot be stopped.
    pub(super) fn stop(&self, mapping: &Mapping) -> bool {
        !mapping.is_some() || engine::stop(&self.engine())
    }

    /// Unmaps the data.
    ///
    /// # Safety
    ///
    /// `mapping` must be the one of this request, and is not used again. The device must be done.
    #[inline]
    pub(super) unsafe fn unmap(&self, mapping: &Mapping) {
        // SAFETY: The mapping was made with the request, the device and the reserve of its tag set, and
        // the device is done (function precondition).
        unsafe { mapping.unmap(self.device(), self.as_raw(), self.shared().reserve()) };
    }

    /// Counts the data as quarantined. The caller forgets the request, which is never ended.
    #[cold]
    pub(super) fn quarantine(&self, mapping: &Mapping) {
        // CAST: To the wider type.
        self.device().quarantine(mapping.bytes() as usize);
    }
}

impl<T: Operations> Request<T> {
    /// Maps the data, and calls `f` with the pieces, which are mapped before `f` gets them. `f` writes
    /// them to the lists of the device, which is told of those later.
    ///
    /// The pieces have a lifetime that `f` does not know, so they cannot leave it.
    ///
    /// C API: `dma_map_phys()` for data that is one segment; `blk_rq_dma_map_iter_start()`,
    /// `blk_rq_dma_map_iter_next()`. Context: any.
    ///
    /// # Errors
    ///
    /// The request comes back with each of them, and nothing of it is mapped:
    ///
    /// - `EINVAL`: the request is no read and no write, or `f` did not walk to the end.
    /// - `ENOMEM`: no bounce buffer, no IOVA or no memory is left. [Refuse](Request::refuse) the request
    ///   to try again.
    /// - `EIO`: the device can't reach the data, now or later, or the IOMMU refuses. End the request: it
    ///   would fail again.
    /// - those of `f`.
    #[inline]
    pub fn map<R>(
        self,
        f: impl FnOnce(&mut RequestPieces<'_, T::Mark>) -> Result<R>,
    ) -> Result<(MappedRequest<T>, R), MapError<Self>> {
        if !matches!(self.operation(), Operation::Read | Operation::Write) || self.bytes() == 0 {
            return Err(MapError {
                error: EINVAL,
                buffer: self,
            });
        }

        let mut room = MaybeUninit::uninit();
        // SAFETY: The operations of the request are `T`, and this value is its only owner, until it is
        // used below, when the pieces are no longer.
        let mapping = unsafe { Pdu::<T>::init_mapping(self.rq) };
        // SAFETY: A read or a write with data, which this value owns; the device and the reserve are those
        // of its tag set.
        let pieces = unsafe {
            RequestPieces::new(
                self.as_raw(),
                self.device(),
                self.shared().reserve(),
                mapping,
                &mut room,
            )
        };
        let result = pieces.and_then(|mut pieces| match f(&mut pieces) {
            Ok(value) => pieces.finish().map(|()| value),
            // If `f` fails because the pieces ended early, the reason is theirs.
            Err(error) => Err(pieces.error().err().unwrap_or(error)),
        });

        match result {
            Ok(value) => {
                // INVARIANT: The request was owned, and is mapped: its mapping was initialised above.
                let mapped = MappedRequest {
                    rq: self.into_raw(),
                    _operations: PhantomData,
                };
                Ok((mapped, value))
            }
            Err(error) => {
                // SAFETY: The mapping is of this request, and was initialised above. The device was not
                // told of it (safety requirements of `Engine`: there was no handle).
                unsafe {
                    let pdu = Pdu::<T>::of(self.rq).as_ptr();
                    self.unmap((*pdu).mapping.assume_init_ref());
                }
                Err(MapError {
                    error,
                    buffer: self,
                })
            }
        }
    }
}

/// A request whose data is mapped, and which was not [started](Self::start) yet.
///
/// It cannot be ended, and its data not be copied. A value that is dropped asks the engine of its command,
/// stops the device if need be, unmaps the data, and ends the request with `EIO`. If the device cannot be
/// stopped, the data is quarantined: the request is never ended, and the disk never removed.
///
/// # Invariants
///
/// `rq` belongs to a disk whose operations are `T`, was started by the block layer and is not ended. It
/// is in no slot, its mapping is initialised, its command is not, and this value is its only owner.
#[must_use = "a request that is dropped fails with EIO"]
pub struct MappedRequest<T: Operations> {
    rq: NonNull<bindings::request>,
    _operations: InvariantIn<T>,
}

// SAFETY: As `Request`.
unsafe impl<T: Operations> Send for MappedRequest<T> {}

impl<T: Operations> MappedRequest<T> {
    /// Gives the request to the device: from here on its completion can
    /// [take](super::TagSet::take) it.
    ///
    /// The driver tells the device afterwards, by the [tag](RequestInfo::tag). What can fail comes before
    /// this.
    ///
    /// Context: any.
    #[inline]
    pub fn start(self, command: T::Command) {
        let this = ManuallyDrop::new(self);

        // SAFETY: This was the only owner of the request, whose mapping is initialised.
        if let Err(command) = unsafe { this.keep(this.rq, command) } {
            // Not reached, as in `Request::start`.
            drop(command);
            drop(ManuallyDrop::into_inner(this));
        }
    }

    #[inline(always)]
    fn pdu(&self) -> NonNull<Pdu<T>> {
        // SAFETY: The operations of the request are `T` (type invariants).
        unsafe { Pdu::of(self.rq) }
    }

    #[inline(always)]
    fn mapping(&self) -> &Mapping {
        // SAFETY: The mapping is initialised, and this is the only owner (type invariants).
        unsafe { (*self.pdu().as_ptr()).mapping.assume_init_ref() }
    }

    /// Unmaps the data: the driver owns the request as before it was mapped.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the request if the engine of its command is not idle.
    pub fn unmap(self) -> Result<Request<T>, Busy<Self>> {
        if !self.is_done(self.mapping()) {
            return Err(Busy(self));
        }
        // SAFETY: The device is done.
        Ok(unsafe { self.into_request() })
    }

    /// # Safety
    ///
    /// The device must be done.
    unsafe fn into_request(self) -> Request<T> {
        let this = ManuallyDrop::new(self);

        // SAFETY: The mapping is initialised, and this is the only owner, which is not used again. The
        // device is done (function precondition).
        unsafe {
            RequestInfo::unmap(&this, this.mapping());
            Request::from_raw(this.rq)
        }
    }
}

impl<T: Operations> Deref for MappedRequest<T> {
    type Target = RequestInfo<T>;

    #[inline(always)]
    fn deref(&self) -> &RequestInfo<T> {
        // SAFETY: By the type invariants, as long as `self` is borrowed.
        unsafe { RequestInfo::of(self.rq) }
    }
}

impl<T: Operations> Drop for MappedRequest<T> {
    fn drop(&mut self) {
        if !self.stop(self.mapping()) {
            return self.quarantine(self.mapping());
        }
        // SAFETY: The value is not used again. The device is done or stopped.
        unsafe {
            let this = Self {
                rq: self.rq,
                _operations: PhantomData,
            };
            this.into_request().end(Err(EIO));
        }
    }
}
