// SPDX-License-Identifier: GPL-2.0

//! A workqueue that ends with the binding of a device.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)
//!
//! A work item on one of the system's queues may still be running when the module with its code is
//! unloaded. What a driver puts on a [`WorkQueue`] has run when its device is unbound.
//!
//! # Who waits
//!
//! The end of the binding, and nobody else. A queue that is destroyed waits for its work, so who destroys
//! it must not be its work. If the last reference did it, that could not be had: work that keeps a
//! reference may be the last to have one, and would wait for itself. Here no drop waits, so references may
//! be kept anywhere, in work too.

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

/// An unbound workqueue, destroyed on drop: the library's own, which no work has a reference to.
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
    /// Makes a workqueue, whose workers are called after `name`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(name: &CStr) -> Result<Self> {
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
}

impl Drop for Owned {
    /// Waits for everything that was enqueued. Context: may sleep.
    fn drop(&mut self) {
        // SAFETY: By the type invariants; nobody can enqueue any more, and what was enqueued is
        // waited for.
        unsafe { bindings::destroy_workqueue(self.inner.as_ptr()) };
    }
}

/// An unbound workqueue, which ends with the binding of its device.
///
/// The `kernel` crate has the system's queues only. There is no way to enqueue delayed work, on
/// purpose: a timer that is still pending would use the queue after its end. Nor is there one to wait
/// for work: see [above](self#who-waits).
///
/// # Invariants
///
/// `inner` is a workqueue, or NULL when the binding is over. It is destroyed when that was seen by all who
/// have read it in a read-side section of RCU.
pub struct WorkQueue {
    inner: AtomicPtr<bindings::workqueue_struct>,
    /// The next one of the binding.
    next: AtomicPtr<WorkQueue>,
}

impl WorkQueue {
    /// Makes a workqueue that goes on until it is [ended](Self::end_all).
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

        // From here on it is whoever ends it that destroys the queue.
        core::mem::forget(owned);
        Ok(this)
    }

    /// Enqueues a work item.
    ///
    /// Fails, in the way of the pointer's type, if the item is enqueued already. What the work does
    /// when the device is gone is for it to know: it may run until unbind has ended, so that it reaches
    /// the device through a [`Gate`](crate::gate::Gate).
    ///
    /// C API: `queue_work()`. Context: any.
    ///
    /// # Errors
    ///
    /// The item comes back if the binding is over.
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

        // SAFETY: By the type invariants the queue is there until this read-side section ends.
        Ok(unsafe { Queue::from_raw(inner) }.enqueue(item))
    }

    /// Puts this before `next` on a list, and returns its name there.
    pub(crate) fn before(self: Arc<Self>, next: *mut Self) -> *mut Self {
        self.next.store(next, Ordering::Relaxed);
        Arc::into_raw(self).cast_mut()
    }

    /// Ends the queues on a list: refuses more work, and waits for what there is.
    ///
    /// Context: may sleep.
    ///
    /// # Safety
    ///
    /// `first` must be NULL, or what [`before`](Self::before) returned last for its list, which is
    /// given away.
    pub(crate) unsafe fn end_all(mut first: *mut Self) {
        while !first.is_null() {
            // SAFETY: By the safety requirements of this function.
            let queue = unsafe { Arc::from_raw(first) };
            first = queue.next.load(Ordering::Relaxed);
            queue.end();
        }
    }

    fn end(&self) {
        let inner = self.inner.swap(null_mut(), Ordering::AcqRel);

        if let Some(inner) = NonNull::new(inner) {
            rcu::synchronize_rcu();
            // INVARIANT: It was alive, and is this function's now.
            drop(Owned { inner });
        }
    }
}
