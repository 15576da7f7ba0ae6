// SPDX-License-Identifier: GPL-2.0

//! A workqueue that ends with its owner.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)
//!
//! A work item on one of the system's queues may still be running when the module with its code is
//! unloaded. What a driver puts on a [`WorkQueue`] has run when the queue has been dropped, so a
//! queue in what a [`Gate`](crate::gate::Gate) keeps makes work end with the binding.

use core::ptr::NonNull;
use kernel::{
    bindings,
    prelude::*,
    workqueue::{
        Queue,
        RawWorkItem, //
    }, //
};

/// An unbound workqueue, destroyed on drop.
///
/// The `kernel` crate has the system's queues only. There is no way to enqueue delayed work, on
/// purpose: a timer that is still pending would use the queue after its end. Work on a queue that is
/// leaked does not end with anything, as on the system's queues.
///
/// # Invariants
///
/// `inner` came from `alloc_workqueue()`, and is not destroyed before the drop.
pub struct WorkQueue {
    inner: NonNull<bindings::workqueue_struct>,
}

// SAFETY: A workqueue is not tied to a thread.
unsafe impl Send for WorkQueue {}

// SAFETY: The C functions behind the methods may be called concurrently.
unsafe impl Sync for WorkQueue {}

impl WorkQueue {
    /// Makes a workqueue, whose workers are called after `name`.
    ///
    /// C API: `alloc_workqueue()` with `WQ_UNBOUND`. Context: may sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new(name: &CStr) -> Result<Self> {
        // SAFETY: The format asks for one string, which is valid during the call and copied;
        // `max_active` 0 is the default.
        let inner = unsafe {
            bindings::alloc_workqueue_noprof(
                c"%s".as_char_ptr(),
                bindings::wq_flags_WQ_UNBOUND,
                0,
                name.as_char_ptr(),
            )
        };

        // INVARIANT: Made above.
        Ok(Self {
            inner: NonNull::new(inner).ok_or(ENOMEM)?,
        })
    }

    #[inline]
    pub(crate) fn as_raw(&self) -> *mut bindings::workqueue_struct {
        self.inner.as_ptr()
    }

    /// Enqueues a work item.
    ///
    /// Fails, in the way of the pointer's type, if the item is enqueued already.
    ///
    /// C API: `queue_work()`. Context: any.
    #[inline]
    pub fn enqueue<W, const ID: u64>(&self, item: W) -> W::EnqueueOutput
    where
        W: RawWorkItem<ID> + Send + 'static,
    {
        // SAFETY: By the type invariants the queue lives as long as `self` is borrowed.
        unsafe { Queue::from_raw(self.as_raw()) }.enqueue(item)
    }
}

impl Drop for WorkQueue {
    /// Waits for everything that was enqueued. Context: may sleep.
    fn drop(&mut self) {
        // SAFETY: By the type invariants; nobody can enqueue any more, and what was enqueued is
        // waited for.
        unsafe { bindings::destroy_workqueue(self.inner.as_ptr()) };
    }
}
