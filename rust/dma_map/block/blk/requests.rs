// SPDX-License-Identifier: GPL-2.0

//! Lists of requests that the block layer hands over together.

use super::{
    operations::Operations,
    request::Request, //
};
use crate::generic::variance::InvariantIn;
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::bindings;

/// The requests of a disk that [`queue_rqs`](Operations::queue_rqs) may take.
///
/// An iterator: each request that it returns is the driver's, as in [`queue_rq`](Operations::queue_rq). The
/// block layer hands the rest over by `queue_rq`. The requests may be of several hardware queues.
///
/// # Invariants
///
/// - The requests in `list` are valid. Those of `disk` are of a disk whose operations are `T`. They have
///   tags, are not started, and have no other owner.
/// - `disk` is only compared.
pub struct Requests<'a, T: Operations> {
    list: &'a mut bindings::rq_list,
    disk: *const bindings::request_queue,
    _operations: InvariantIn<T>,
}

impl<'a, T: Operations> Requests<'a, T> {
    /// # Safety
    ///
    /// The type invariants must hold.
    #[inline(always)]
    pub(super) unsafe fn new(
        list: &'a mut bindings::rq_list,
        disk: *const bindings::request_queue,
    ) -> Self {
        // INVARIANT: By the precondition of this function.
        Self {
            list,
            disk,
            _operations: PhantomData,
        }
    }

    /// The first request of the list, if it is of the disk. The list may be that of a task's plug, which gets
    /// what is submitted meanwhile, also for other disks: the block layer hands that over by `queue_rq`.
    #[inline]
    fn first(&self) -> Option<NonNull<bindings::request>> {
        let rq = NonNull::new(self.list.head)?;
        // SAFETY: The request is valid (type invariants).
        let disk = unsafe { (*rq.as_ptr()).q };
        core::ptr::eq(disk, self.disk).then_some(rq)
    }

    /// Returns the number of the hardware queue of the next request.
    #[inline]
    pub fn next_queue(&self) -> Option<u32> {
        let rq = self.first()?.as_ptr();

        // SAFETY: The request has a tag (type invariants), so it has a hardware queue.
        Some(unsafe { (*(*rq).mq_hctx).queue_num })
    }
}

impl<T: Operations> Iterator for Requests<'_, T> {
    type Item = Request<T>;

    /// Takes the next request. Its time runs from here on.
    #[inline]
    fn next(&mut self) -> Option<Request<T>> {
        let rq = self.first()?;

        // SAFETY: The request is valid (type invariants), and the link is what the field is for.
        let next = unsafe { &mut (*rq.as_ptr()).__bindgen_anon_1.rq_next };
        // INVARIANT: One request less. The last one is the tail.
        self.list.head = core::mem::replace(next, core::ptr::null_mut());
        if self.list.head.is_null() {
            self.list.tail = core::ptr::null_mut();
        }
        // SAFETY: The request was not started, and has no other owner (type invariants): it was taken off
        // the list above. From here on it is started.
        unsafe {
            bindings::blk_mq_start_request(rq.as_ptr());
            Some(Request::from_raw(rq))
        }
    }
}
