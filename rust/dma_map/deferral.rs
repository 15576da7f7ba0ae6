// SPDX-License-Identifier: GPL-2.0

//! Frees that are put off to a context in which they are legal.
//!
//! `dma_free_attrs()` must not run with interrupts off, and `vfree()` must not run in atomic
//! context. A handle may be dropped anywhere, so such a drop hands the memory to a workqueue of
//! this module. Unbind waits for the queue, so nothing outlives the binding (see
//! [`binding`](crate::binding)).

use crate::workqueue::Owned;
use core::{
    mem::ManuallyDrop,
    ptr::null_mut,
    sync::atomic::{
        AtomicPtr,
        Ordering, //
    }, //
};
use kernel::{
    bindings,
    impl_has_work,
    prelude::*,
    static_lock_class,
    sync::LockClassKey,
    workqueue::{
        Queue,
        RawWorkItem,
        Work,
        WorkItem, //
    }, //
};

/// The module's workqueue, while an [`Owner`] exists.
static QUEUE: AtomicPtr<bindings::workqueue_struct> = AtomicPtr::new(null_mut());

/// Owns the workqueue; the module's data.
pub(crate) struct Owner {
    _queue: Owned,
}

impl Owner {
    /// Makes the workqueue.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        let queue = Owned::new(c"dma_map")?;
        QUEUE.store(queue.as_raw(), Ordering::Release);

        Ok(Self { _queue: queue })
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // The module is being unloaded, so no client is left.
        QUEUE.store(null_mut(), Ordering::Release);
    }
}

/// Waits for all frees that were put off so far.
///
/// Context: may sleep.
pub(crate) fn flush() {
    let queue = QUEUE.load(Ordering::Acquire);

    if !queue.is_null() {
        // SAFETY: As in `defer`.
        unsafe { bindings::__flush_workqueue(queue) };
    }
}

/// Something that was put off.
#[pin_data]
struct Job<F> {
    #[pin]
    work: Work<Job<F>>,
    free: ManuallyDrop<F>,
}

impl_has_work! {
    impl{F} HasWork<Self> for Job<F> { self.work }
}

impl<F: FnOnce()> WorkItem for Job<F> {
    type Pointer = Pin<KBox<Self>>;

    fn run(mut this: Pin<KBox<Self>>) {
        // SAFETY: The job is run once, and dropped without using the field again.
        let free = unsafe { ManuallyDrop::take(this.as_mut().project().free) };
        free();
    }
}

/// The lock class of all jobs.
///
/// Neither generic nor inlined: lockdep wants one key to have one name, and it compares addresses,
/// of which each client would have its own.
#[inline(never)]
fn lock_class() -> (&'static CStr, Pin<&'static LockClassKey>) {
    (c"dma_map::deferral", static_lock_class!())
}

/// Runs `free` in a context that may sleep, before the device is unbound.
///
/// Returns `false` if there is no memory to arrange that; `free` is then forgotten, and the caller
/// counts the memory as quarantined.
///
/// Context: any.
///
/// # Safety
///
/// `free` must be valid to run until the device of the handle that calls this is unbound.
#[cold]
#[inline(never)]
pub(crate) unsafe fn defer<F: FnOnce() + Send + 'static>(free: F) -> bool {
    // What it owns must be leaked when there is no memory for the job, so it is taken out only by
    // running it.
    let free = ManuallyDrop::new(free);

    let queue = QUEUE.load(Ordering::Acquire);
    if queue.is_null() {
        return false;
    }

    let (name, key) = lock_class();
    let job = KBox::pin_init(
        pin_init!(Job {
            work <- Work::new(name, key),
            free,
        }),
        GFP_ATOMIC | __GFP_NOWARN,
    );
    let Ok(job) = job else {
        return false;
    };

    // SAFETY: The queue lives as long as the module is loaded, and code that calls this is linked
    // to the module.
    unsafe { Queue::from_raw(queue) }.enqueue(job);
    true
}

/// Runs `item` in a context that may sleep, before the device is unbound.
///
/// Nothing is allocated, so that this does not fail.
///
/// Context: any.
///
/// # Safety
///
/// `item` must be valid to run until the device of the handle that calls this is unbound.
#[cold]
#[inline(never)]
pub(crate) unsafe fn enqueue<W, const ID: u64>(item: W)
where
    W: RawWorkItem<ID, EnqueueOutput = ()> + Send + 'static,
{
    let queue = QUEUE.load(Ordering::Acquire);
    if queue.is_null() {
        // No client is left, so nobody calls this; if somebody does, leaking is safe.
        core::mem::forget(item);
        return;
    }

    // SAFETY: As in `defer`.
    unsafe { Queue::from_raw(queue) }.enqueue(item);
}
