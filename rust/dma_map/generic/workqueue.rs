// SPDX-License-Identifier: GPL-2.0

//! Workqueues that end with the binding of a device.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)
//!
//! A work item on a system workqueue may still run when the module with its code is unloaded. A work
//! item on a [`WorkQueue`] has finished when the device is unbound.
//!
//! # Waiting for work
//!
//! Only the end of the binding waits for work. `destroy_workqueue()` waits for the queue's work, so
//! work must not call it. If the drop of the last reference destroyed the queue, work that holds the
//! last reference would wait for itself. Here no drop waits, so a reference may be kept anywhere, also
//! in work.
//!
//! # When memory is short
//!
//! Each queue has a rescuer (`WQ_MEM_RECLAIM`): a thread that runs the work if there is no memory to make one.
//! There is no option for that. Work of a driver is often what the kernel needs to free memory, and the driver
//! cannot know: swap or a file system may be on its disk, or beyond its network card. The library's own work frees
//! memory. The price is one thread for each queue, so a driver has one queue rather than several.
//!
//! Work must not wait for work of a queue without a rescuer, as those of the system are: the kernel prints a
//! warning.

use super::gfp::Gfp;
use core::{
    ptr::{
        null_mut,
        NonNull, //
    },
    sync::atomic::{
        AtomicPtr,
        Ordering, //
    }, //
};
use kernel::{
    bindings,
    prelude::*,
    sync::{
        rcu,
        Arc, //
    },
    workqueue::{
        Queue,
        RawWorkItem, //
    }, //
};

/// An unbound workqueue that is destroyed on drop. Only the library uses it, and no work item refers to
/// it.
///
/// # Invariants
///
/// `inner` came from `alloc_workqueue()`, and is not destroyed before the drop.
pub(crate) struct Owned {
    inner: NonNull<bindings::workqueue_struct>,
}

// SAFETY: A workqueue is not tied to a thread.
unsafe impl Send for Owned {}

// SAFETY: The C functions behind the methods may be called concurrently.
unsafe impl Sync for Owned {}

impl Owned {
    /// Allocates a workqueue whose workers are named after `name`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(name: &CStr) -> Result<Self> {
        // SAFETY: The format takes one string, which is valid during the call and is copied;
        // `max_active` 0 is the default.
        let inner = unsafe {
            bindings::alloc_workqueue_noprof(
                c"%s".as_char_ptr(),
                // See "When memory is short" above.
                bindings::wq_flags_WQ_UNBOUND | bindings::wq_flags_WQ_MEM_RECLAIM,
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
}

impl Drop for Owned {
    /// Waits for everything that was enqueued. Context: may sleep.
    fn drop(&mut self) {
        // SAFETY: `inner` came from `alloc_workqueue()` and is not destroyed yet (type invariant). The
        // owner is dropped, so nothing can be enqueued any more.
        unsafe { bindings::destroy_workqueue(self.inner.as_ptr()) };
    }
}

/// An unbound workqueue that ends with the binding of its device.
///
/// The `kernel` crate has the system workqueues only. Delayed work cannot be enqueued here, on purpose:
/// a pending timer would use the queue after its end. Nor can a driver wait for work: see
/// [above](self#waiting-for-work).
///
/// # Invariants
///
/// `inner` is a workqueue, or NULL when the binding is over. After `inner` is set to NULL, the queue is
/// destroyed only when all RCU read-side sections that may have read it have ended.
pub struct WorkQueue {
    inner: AtomicPtr<bindings::workqueue_struct>,
    /// The next queue of the binding.
    next: AtomicPtr<WorkQueue>,
}

impl WorkQueue {
    /// Allocates a workqueue that lasts until it is [ended](Self::end_all).
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn unbound(name: &CStr) -> Result<Arc<Self>> {
        let owned = Owned::new(name)?;
        let this = Arc::new(
            Self {
                inner: AtomicPtr::new(owned.as_raw()),
                next: AtomicPtr::new(null_mut()),
            },
            Gfp::Kernel.flags(),
        )?;

        // From here on, `end` destroys the queue.
        core::mem::forget(owned);
        Ok(this)
    }

    /// Enqueues a work item.
    ///
    /// The result says, in the way of the pointer's type, if the item is enqueued already. The work
    /// must reach the device through a [`Gate`](crate::gate::Gate), since it may run until unbind has
    /// ended.
    ///
    /// C API: `queue_work()`. Context: any.
    ///
    /// # Errors
    ///
    /// Returns the item if the binding is over.
    #[inline]
    pub fn enqueue<W, const ID: u64>(&self, item: W) -> Result<W::EnqueueOutput, W>
    where
        W: RawWorkItem<ID> + Send + 'static,
    {
        let _rcu = rcu::read_lock();
        let inner = self.inner.load(Ordering::Acquire);
        if inner.is_null() {
            return Err(item);
        }

        // SAFETY: By the type invariant the queue is not destroyed before this read-side section ends.
        Ok(unsafe { Queue::from_raw(inner) }.enqueue(item))
    }

    /// Puts this queue before `next` on a list, and returns its pointer as the new head.
    pub(crate) fn before(self: Arc<Self>, next: *mut Self) -> *mut Self {
        self.next.store(next, Ordering::Relaxed);
        Arc::into_raw(self).cast_mut()
    }

    /// Ends the queues on a list: refuses more work, and waits for the work that is enqueued.
    ///
    /// Context: may sleep.
    ///
    /// # Safety
    ///
    /// `first` must be NULL, or the pointer that [`before`](Self::before) returned last for the list.
    /// The caller gives the list away.
    pub(crate) unsafe fn end_all(mut first: *mut Self) {
        while !first.is_null() {
            // SAFETY: Every pointer on the list came from `Arc::into_raw()` in `before`, and the list
            // is this function's (function precondition).
            let queue = unsafe { Arc::from_raw(first) };
            first = queue.next.load(Ordering::Relaxed);
            queue.end();
        }
    }

    fn end(&self) {
        let inner = self.inner.swap(null_mut(), Ordering::AcqRel);

        if let Some(inner) = NonNull::new(inner) {
            rcu::synchronize_rcu();
            // INVARIANT: It came from `alloc_workqueue()`, and the swap has made it this function's.
            drop(Owned { inner });
        }
    }
}
