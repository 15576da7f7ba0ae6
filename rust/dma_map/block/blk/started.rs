// SPDX-License-Identifier: GPL-2.0

//! Requests that came back from a device: by a completion, a timeout, or a cancel.

use super::{
    ffi,
    mapping::Mapping,
    operations::Operations,
    request::{
        Request,
        RequestInfo, //
    },
    shared::Pdu, //
};
use crate::{
    error::Busy,
    generic::variance::{
        Invariant,
        InvariantIn, //
    },
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// A request that a device had, with its command.
///
/// Of the completion, the timeout and the cancel of a request, one gets it.
///
/// If its data is mapped, it is ended only when the engine of its command says that the device is done,
/// or after the device was stopped. A value that is dropped stops the device unless it is done, unmaps
/// the data, and ends the request with `EIO`. If the device cannot be stopped, the data is quarantined:
/// the request is never ended, its command is leaked, and the disk is never removed.
///
/// # Invariants
///
/// `rq` belongs to a disk whose operations are `T`, was started and is not ended. It is in no slot, its
/// command and its mapping are initialised, and this value is its only owner.
#[must_use = "a request that is dropped fails with EIO"]
pub struct Claimed<T: Operations> {
    rq: NonNull<bindings::request>,
    _operations: InvariantIn<T>,
}

// SAFETY: Any thread may end a request. The command is `Send`, and the driver's data of the disk `Sync`.
unsafe impl<T: Operations> Send for Claimed<T> {}

impl<T: Operations> Claimed<T> {
    /// # Safety
    ///
    /// The type invariants must hold.
    #[inline(always)]
    pub(super) unsafe fn from_raw(rq: NonNull<bindings::request>) -> Self {
        // INVARIANT: By the precondition of this function.
        Self {
            rq,
            _operations: PhantomData,
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

    /// Returns the command that it was started with.
    #[inline]
    pub fn command(&mut self) -> &mut T::Command {
        // SAFETY: The command is initialised, and this is the only owner (type invariants).
        unsafe { (*self.pdu().as_ptr()).command.assume_init_mut() }
    }

    /// Unmaps the data, and takes the command out: the driver owns the request as before it was started.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the request if its data is mapped, and the engine of its command is not
    /// idle.
    #[inline]
    pub fn into_request(self) -> Result<(Request<T>, T::Command), Busy<Self>> {
        if !self.is_done(self.mapping()) {
            return Err(Busy(self));
        }
        // SAFETY: The device is done.
        Ok(unsafe { self.finish() })
    }

    /// # Safety
    ///
    /// If the data is mapped, the device must be done with it.
    #[inline]
    unsafe fn finish(self) -> (Request<T>, T::Command) {
        let this = ManuallyDrop::new(self);

        // SAFETY: The command and the mapping are initialised, and this is the only owner (type
        // invariants), which is not used again: they are taken once, and the request has one owner. The
        // device is done (function precondition).
        unsafe {
            this.unmap(this.mapping());
            let command = (*this.pdu().as_ptr()).command.assume_init_read();
            (Request::from_raw(this.rq), command)
        }
    }

    /// Unmaps the data, and drops the command in its place.
    ///
    /// # Safety
    ///
    /// As for [`finish`](Self::finish).
    #[inline]
    unsafe fn clear(self) -> Request<T> {
        let this = ManuallyDrop::new(self);

        // SAFETY: As in `finish`.
        unsafe {
            this.unmap(this.mapping());
            (*this.pdu().as_ptr()).command.assume_init_drop();
            Request::from_raw(this.rq)
        }
    }

    /// Unmaps the data, drops the command and ends the request, here; see [`Request::end`].
    ///
    /// C API: `dma_unmap_phys()` or `dma_iova_destroy()`, `blk_mq_end_request()`. Context: any.
    ///
    /// # Errors
    ///
    /// Those of [`into_request`](Self::into_request).
    #[inline]
    pub fn end(self, result: Result) -> Result<(), Busy<Self>> {
        if !self.is_done(self.mapping()) {
            return Err(Busy(self));
        }
        // SAFETY: The device is done.
        unsafe { self.clear() }.end(result);
        Ok(())
    }

    /// Stops the device unless it is done, and ends the request with `error`.
    ///
    /// How much the device has transferred is not known.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the request if the device cannot be stopped. Dropping it, as `?` does,
    /// tries once more, and quarantines the data if that fails, too.
    pub fn cancel(self, error: Error) -> Result<(), Busy<Self>> {
        if !self.stop(self.mapping()) {
            return Err(Busy(self));
        }
        // SAFETY: The device is done or stopped.
        unsafe { self.clear() }.end(Err(error));
        Ok(())
    }

    /// Unmaps the data, drops the command and ends the request, on a CPU that shares a cache with
    /// the submitter's, in a soft interrupt if that is another one.
    ///
    /// For interrupt handlers. In a thread, [`end`](Self::end) is as good.
    ///
    /// C API: `blk_mq_complete_request_remote()`, and those of [`end`](Self::end). Context: any.
    ///
    /// # Errors
    ///
    /// Those of [`into_request`](Self::into_request).
    #[inline]
    pub fn complete(self, result: Result) -> Result<(), Busy<Self>> {
        if let Some((request, status)) = self.complete_here(result)? {
            // SAFETY: This was the only owner of a request that is not ended.
            unsafe { bindings::blk_mq_end_request(request.into_raw().as_ptr(), status) };
        }
        Ok(())
    }

    /// Unmaps the data and drops the command, if the request is to be completed on this CPU: it is returned
    /// with its status, and is to be ended. Else the rest is done elsewhere.
    ///
    /// # Errors
    ///
    /// Those of [`into_request`](Self::into_request).
    #[inline]
    pub(super) fn complete_here(
        self,
        result: Result,
    ) -> Result<Option<(Request<T>, bindings::blk_status_t)>, Busy<Self>> {
        if !self.is_done(self.mapping()) {
            return Err(Busy(self));
        }
        let this = ManuallyDrop::new(self);
        let status = ffi::status(result);

        // SAFETY: This is the only owner (type invariants).
        unsafe { (*this.pdu().as_ptr()).status = status };
        // SAFETY: The request was started and is not ended. It is given away if the result is `true`:
        // `complete()` gets it then.
        if unsafe { bindings::blk_mq_complete_request_remote(this.rq.as_ptr()) } {
            return Ok(None);
        }
        // SAFETY: It was not given away. The device is done.
        let request = unsafe { ManuallyDrop::into_inner(this).clear() };
        Ok(Some((request, status)))
    }

    /// Ends a request that [`complete`](Self::complete) has set the status of.
    ///
    /// # Safety
    ///
    /// The caller owns the request, which is as in a `Claimed`, and has a status. The device must be done.
    #[inline]
    pub(super) unsafe fn completed(rq: NonNull<bindings::request>) {
        // SAFETY: By the precondition of this function.
        unsafe {
            let this = Self::from_raw(rq);
            let status = (*this.pdu().as_ptr()).status;
            let request = this.clear();
            bindings::blk_mq_end_request(request.into_raw().as_ptr(), status);
        }
    }
}

impl<T: Operations> Deref for Claimed<T> {
    type Target = RequestInfo<T>;

    #[inline(always)]
    fn deref(&self) -> &RequestInfo<T> {
        // SAFETY: By the type invariants, as long as `self` is borrowed.
        unsafe { RequestInfo::of(self.rq) }
    }
}

impl<T: Operations> Drop for Claimed<T> {
    fn drop(&mut self) {
        if !self.stop(self.mapping()) {
            return self.quarantine(self.mapping());
        }
        // SAFETY: This is the only owner, and is not used again. The device is done or stopped.
        unsafe { Self::from_raw(self.rq).clear() }.end(Err(EIO));
    }
}

/// A request that was not completed in time. The device may still have it.
///
/// # Invariants
///
/// `rq` belongs to a disk whose operations are `T`. The block layer holds it during `'a`: even if somebody
/// ends it, it does not become another request. One that is queued again meanwhile may lose its tag.
pub struct TimedOut<'a, T: Operations> {
    rq: NonNull<bindings::request>,
    _held: (Invariant<'a>, InvariantIn<T>),
}

impl<T: Operations> TimedOut<'_, T> {
    /// # Safety
    ///
    /// The type invariants must hold.
    #[inline]
    pub(super) unsafe fn from_raw(rq: NonNull<bindings::request>) -> Self {
        // INVARIANT: By the precondition of this function.
        Self {
            rq,
            _held: (PhantomData, PhantomData),
        }
    }

    #[inline]
    fn info(&self) -> &RequestInfo<T> {
        // SAFETY: The block layer holds the request and its hardware queue. What is read of it here is valid also
        // when it has ended, or is queued again.
        unsafe { RequestInfo::of(self.rq) }
    }

    /// Returns the number of the hardware queue.
    #[inline]
    pub fn queue(&self) -> u32 {
        self.info().queue()
    }

    /// Returns the tag.
    #[inline]
    pub fn tag(&self) -> u32 {
        self.info().tag()
    }

    /// Takes the request from the device.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// The value, if the request was not started yet, or if somebody else has taken it: its completion may
    /// be running.
    pub fn claim(self) -> Result<Claimed<T>, Self> {
        let shared = self.info().shared();

        if !shared.take_exactly(self.queue(), self.tag(), self.rq.as_ptr()) {
            return Err(self);
        }
        // SAFETY: It was taken out of its slot, where it had no other owner, and its command was
        // initialised.
        Ok(unsafe { Claimed::from_raw(self.rq) })
    }
}
