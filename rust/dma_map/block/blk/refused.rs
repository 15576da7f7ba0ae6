// SPDX-License-Identifier: GPL-2.0

//! Requests that the block layer queues again.

use super::{
    ffi,
    operations::Operations, //
};
use crate::generic::variance::InvariantIn;
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::bindings;

/// A request that the driver had no room for, or makes [another attempt](super::Request::retry) at.
///
/// Returned by [`queue_rq`](Operations::queue_rq). A value that is dropped also queues its request again.
///
/// # Invariants
///
/// Those of [`Request`](super::Request).
#[must_use = "return it from `queue_rq`"]
pub struct Refused<T: Operations>(NonNull<bindings::request>, InvariantIn<T>);

// SAFETY: As `Request`.
unsafe impl<T: Operations> Send for Refused<T> {}

impl<T: Operations> Refused<T> {
    /// # Safety
    ///
    /// The type invariants must hold.
    #[inline]
    pub(super) unsafe fn from_raw(rq: NonNull<bindings::request>) -> Self {
        // INVARIANT: By the precondition of this function.
        Self(rq, PhantomData)
    }

    /// Returns the status by which the block layer gets `rq` back, which it gave to the driver for `hctx`,
    /// if it is this one. Another request is queued again here; then `rq` was ended or kept.
    ///
    /// All disks of a tag set use the same memory for their requests. So a request that was ended may be
    /// one of another disk at once, whose hardware queue is another one.
    #[inline]
    pub(super) fn status(
        self,
        rq: *mut bindings::request,
        hctx: *mut bindings::blk_mq_hw_ctx,
    ) -> bindings::blk_status_t {
        // SAFETY: The request is valid, and has a hardware queue (type invariants).
        if self.0.as_ptr() == rq && unsafe { (*rq).mq_hctx } == hctx {
            core::mem::forget(self);
            ffi::BLK_STS_RESOURCE
        } else {
            drop(self);
            ffi::BLK_STS_OK
        }
    }
}

impl<T: Operations> Drop for Refused<T> {
    fn drop(&mut self) {
        // SAFETY: The request was started and is not ended, and this was its only owner (type invariants).
        unsafe { bindings::blk_mq_requeue_request(self.0.as_ptr(), true) };
    }
}
