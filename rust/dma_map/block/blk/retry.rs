// SPDX-License-Identifier: GPL-2.0

//! Requests that a device has failed, and that are worth another attempt.

use super::{
    ffi,
    operations::Operations,
    refused::Refused,
    request::{
        Request,
        RequestInfo, //
    },
    shared::Pdu, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// The bit of `queue_flags` of a disk that takes no requests any more.
const DYING: c_ulong = 1 << bindings::QUEUE_FLAG_DYING;

impl<T: Operations> RequestInfo<T> {
    /// Returns whether an error is better than another attempt (`REQ_FAILFAST_*`): such as for what is read
    /// ahead, and for a path of several.
    ///
    /// C API: `blk_noretry_request()`.
    #[inline]
    pub fn is_fail_fast(&self) -> bool {
        self.flags() & ffi::REQ_FAILFAST != 0
    }

    /// Returns whether the disk takes no requests any more, as one that was marked [dead](super::Disk::mark_dead).
    ///
    /// C API: `blk_queue_dying()`.
    fn is_dying(&self) -> bool {
        // SAFETY: The request is valid, and so is its queue. The flags may change meanwhile.
        let flags = unsafe { (&raw const (*(*self.as_raw()).q).queue_flags).read_volatile() };
        flags & DYING != 0
    }
}

impl<T: Operations> Request<T> {
    /// Makes another attempt at a request that the device has failed, at most `most` times: the block layer queues
    /// it again.
    ///
    /// The number is that of this request. If its time is over in the same moment, the count may begin anew: C
    /// writes the flags then, too. The request is not merged with others from then on. A request that is
    /// [refused](Request::refuse) has no attempt less.
    ///
    /// C API: `blk_mq_requeue_request()`, with `RQF_DONTPREP`. Context: any.
    ///
    /// # Errors
    ///
    /// The request, which is to be ended with the error: there were so many attempts, or it is
    /// [fail-fast](RequestInfo::is_fail_fast), or the disk is [dead](super::Disk::mark_dead).
    #[cold]
    pub fn retry(self, most: u8) -> Result<Refused<T>, Self> {
        if self.is_fail_fast() || self.is_dying() {
            return Err(self);
        }
        // SAFETY: The operations of the request are `T`, and this is its only owner (type invariants).
        unsafe {
            let flags = &raw mut (*self.as_raw()).rq_flags;
            let retries = &raw mut (*Pdu::<T>::of(self.rq).as_ptr()).retries;
            // C clears the flag when it makes a request, and leaves it when it queues one again.
            if *flags & ffi::RQF_DONTPREP == 0 {
                retries.write(0);
            }
            if *retries >= most {
                return Err(self);
            }
            *flags |= ffi::RQF_DONTPREP;
            *retries = (*retries).saturating_add(1);
        }
        Ok(self.refuse())
    }
}
