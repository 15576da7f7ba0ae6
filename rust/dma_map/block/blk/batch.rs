// SPDX-License-Identifier: GPL-2.0

//! Batches: requests that the block layer ends together.

use super::{
    ffi,
    operations::Operations,
    request::Request,
    shared::Shared,
    started::Claimed, //
};
use crate::{
    error::Busy,
    generic::variance::InvariantIn, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    prelude::*, //
};

/// Requests that are ended together, when the function returns that was given to
/// [`TagSet::batch`](super::TagSet::batch).
///
/// Until then their submitters wait, and their tags are not free. What belongs to the driver is over
/// before: the data is unmapped, and the command is dropped.
///
/// # Invariants
///
/// - `list` has requests that were started and are not ended. They have no other owner. Their commands and
///   their mappings are not initialised.
/// - `shared` is of a tag set whose operations are `T`.
pub struct Batch<'a, T: Operations> {
    shared: &'a Shared,
    list: bindings::io_comp_batch,
    _operations: InvariantIn<T>,
}

impl<'a, T: Operations> Batch<'a, T> {
    /// # Safety
    ///
    /// The operations of the tag set of `shared` must be `T`. The caller must hold the RCU read lock until
    /// the value is dropped.
    #[inline(always)]
    pub(super) unsafe fn new(shared: &'a Shared) -> Self {
        // INVARIANT: No requests. The rest is the caller's guarantee.
        Self {
            shared,
            list: bindings::io_comp_batch {
                req_list: bindings::rq_list {
                    head: core::ptr::null_mut(),
                    tail: core::ptr::null_mut(),
                },
                need_ts: false,
                complete: None,
                poll_ctx: core::ptr::null_mut(),
            },
            _operations: PhantomData,
        }
    }

    /// Takes the request that a device has, as [`TagSet::take`](super::TagSet::take) does.
    ///
    /// Returns `None` if the device has no such request: out of range, not started, or taken already.
    ///
    /// Context: any.
    #[inline]
    pub fn take(&mut self, queue: u32, tag: u32) -> Option<Claimed<T>> {
        let rq = self.shared.take(queue, tag)?;

        // SAFETY: The request was in its slot: it has no other owner, and its command is initialised. The
        // operations of the tag set are `T` (type invariants).
        Some(unsafe { Claimed::from_raw(rq) })
    }

    /// Unmaps the data, drops the command, and ends the request with the batch.
    ///
    /// Where [`Claimed::complete`] leaves the rest to another CPU, so does this. A request that failed, and
    /// one of a disk with an I/O scheduler, is ended here.
    ///
    /// C API: `blk_mq_add_to_batch()`, and those of [`Claimed::complete`]. Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the request if its data is mapped, and the engine of its command is not
    /// idle.
    #[inline]
    pub fn complete(
        &mut self,
        request: Claimed<T>,
        result: Result,
    ) -> Result<(), Busy<Claimed<T>>> {
        let Some((request, status)) = request.complete_here(result)? else {
            return Ok(());
        };
        self.add(request, status);
        Ok(())
    }

    /// Ends a request that the driver owns again with the batch, on this CPU. For a driver that copies the
    /// data, which has taken the command out with [`Claimed::into_request`].
    ///
    /// A request that failed, and one of a disk with an I/O scheduler, is ended here; see [`Request::end`].
    ///
    /// C API: `blk_mq_add_to_batch()`, `blk_mq_end_request()`. Context: any.
    #[inline]
    pub fn end(&mut self, request: Request<T>, result: Result) {
        self.add(request, ffi::status(result));
    }

    #[inline(always)]
    fn add(&mut self, request: Request<T>, status: bindings::blk_status_t) {
        let rq = request.into_raw();

        // INVARIANT: If C takes the request, it was this function's, and has no command and no mapping.
        //
        // SAFETY: This was the only owner of a request that was started and is not ended. It is given to
        // the list, or ended. The list is valid.
        unsafe {
            if status != ffi::BLK_STS_OK || !ffi::add_to_batch(rq.as_ptr(), &mut self.list) {
                bindings::blk_mq_end_request(rq.as_ptr(), status);
            }
        }
    }
}

impl<T: Operations> Drop for Batch<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if !self.list.req_list.head.is_null() {
            // SAFETY: The requests have no other owner, and are not ended (type invariants).
            unsafe { bindings::blk_mq_end_request_batch(&mut self.list) };
        }
    }
}
