// SPDX-License-Identifier: GPL-2.0

//! Deferred frees: work items that free memory in a context in which that is legal.
//!
//! `dma_free_attrs()` must not run with interrupts off, and `vfree()` must not run in atomic context. A
//! handle may be dropped in any context, so such a drop passes the memory to a workqueue of this
//! module.
//!
//! Unbind waits for the deferred frees of its own binding, by a count, so none outlives the binding
//! (see [`binding`](crate::device::binding)). It does not flush the workqueue, which all devices share:
//! one device's waits would delay the others.
//!
//! Revoking user mappings has a workqueue of its own, because it waits for locks of processes.

use super::ffi;
use crate::{
    gfp::Gfp,
    workqueue::Owned, //
};
use core::{
    ptr::{
        null_mut,
        NonNull, //
    },
    sync::atomic::{
        AtomicPtr,
        AtomicUsize,
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

/// The workqueue of revocations, which wait for processes, while an [`Owner`] exists.
static REVOCATIONS: AtomicPtr<bindings::workqueue_struct> = AtomicPtr::new(null_mut());

/// Owns the workqueues; a part of the module's data.
pub(crate) struct Owner {
    _queue: Owned,
    _revocations: Owned,
}

impl Owner {
    /// Allocates the workqueues.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        let queue = Owned::new(c"dma_map")?;
        let revocations = Owned::new(c"dma_map_revoke")?;
        QUEUE.store(queue.as_raw(), Ordering::Release);
        REVOCATIONS.store(revocations.as_raw(), Ordering::Release);

        Ok(Self {
            _queue: queue,
            _revocations: revocations,
        })
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // The module is being unloaded, so no driver uses it any more.
        QUEUE.store(null_mut(), Ordering::Release);
        REVOCATIONS.store(null_mut(), Ordering::Release);
    }
}

/// A count of one deferred free of a binding, until it is dropped.
///
/// The drop comes last, in code of this module. After it the binding may end, and the driver be
/// unloaded. A [`DmaDevice`](crate::DmaDevice) converts into it.
///
/// # Invariants
///
/// The count of the binding is valid, because the binding waits for this `DeferredCount`.
pub(crate) struct DeferredCount(NonNull<AtomicUsize>);

// SAFETY: The count is atomic.
unsafe impl Send for DeferredCount {}

impl DeferredCount {
    /// Increments the count.
    ///
    /// # Safety
    ///
    /// Before `count` is freed, its owner must [wait](ffi::wait_pending) until it is 0.
    pub(crate) unsafe fn new(count: &AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        // INVARIANT: The owner of the count waits until it is 0 (function precondition).
        Self(NonNull::from(count))
    }
}

impl Drop for DeferredCount {
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: The count is valid until it is 0 (type invariant).
        unsafe { ffi::put_pending(self.0.as_ptr()) };
    }
}

/// A deferred call.
///
/// Not generic, so that the work function is in this module: the code of the driver may be unloaded
/// once the binding has ended.
#[pin_data]
struct Job {
    #[pin]
    work: Work<Job>,
    run: unsafe fn(NonNull<c_void>),
    data: NonNull<c_void>,
    pending: Option<DeferredCount>,
}

// SAFETY: `run` and `data` are a closure that is `Send`, by the bound of `defer`.
unsafe impl Send for Job {}

impl_has_work! {
    impl HasWork<Self> for Job { self.work }
}

impl WorkItem for Job {
    type Pointer = Pin<KBox<Self>>;

    fn run(mut this: Pin<KBox<Self>>) {
        let pending = this.as_mut().project().pending.take();

        // SAFETY: `run(data)` is valid to run once (precondition of `start`), and a job runs once.
        unsafe { (this.run)(this.data) };
        drop(this);
        drop(pending);
    }
}

/// The lock class of all jobs.
///
/// Neither generic nor inlined: lockdep compares addresses of keys, expects one name for a key, and
/// each driver would have a key of its own.
#[inline(never)]
fn lock_class() -> (&'static CStr, Pin<&'static LockClassKey>) {
    (c"dma_map::deferral", static_lock_class!())
}

/// Queues a call of `run(data)`. Returns `false` if there is no memory for the job.
///
///
/// # Safety
///
/// `run(data)` must be valid to run once, by any thread: until the binding that `pending` counts for
/// has ended, or, without `pending`, as long as this module is loaded.
#[cold]
#[inline(never)]
unsafe fn start(
    pending: Option<DeferredCount>,
    run: unsafe fn(NonNull<c_void>),
    data: NonNull<c_void>,
) -> bool {
    let queue = QUEUE.load(Ordering::Acquire);
    if queue.is_null() {
        return false;
    }

    let (name, key) = lock_class();
    let job = KBox::pin_init(
        pin_init!(Job {
            work <- Work::new(name, key),
            run,
            data,
            pending,
        }),
        Gfp::Atomic.flags(),
    );
    let Ok(job) = job else {
        return false;
    };

    // SAFETY: The queue lives as long as this module is loaded, and the caller's code depends on this
    // module.
    unsafe { Queue::from_raw(queue) }.enqueue(job);
    true
}

/// Runs a boxed closure.
///
/// # Safety
///
/// `data` must come from `KBox::<F>::into_raw()`. The caller gives the box away.
unsafe fn call<F: FnOnce()>(data: NonNull<c_void>) {
    // SAFETY: `data` is a leaked `KBox<F>`, which is this function's now (function precondition).
    let free = unsafe { KBox::from_raw(data.as_ptr().cast::<F>()) };

    KBox::into_inner(free)();
}

/// Defers `free` to a context that may sleep, before the binding of `dev` ends.
///
/// Without `dev`, `free` must be code of this module, and runs at any later time.
///
/// Returns `false` if there is no memory for the job. `free` is then forgotten, and the caller counts
/// the memory as quarantined.
///
/// Context: any.
///
/// # Safety
///
/// `free` must be valid to run until the binding of `dev` has ended, or, without `dev`, as long as this
/// module is loaded.
#[cold]
#[inline(never)]
pub(crate) unsafe fn defer<F>(dev: Option<impl Into<DeferredCount>>, free: F) -> bool
where
    F: FnOnce() + Send + 'static,
{
    // If there is no memory for the job, what `free` owns must be leaked. So only the call takes it out
    // of the box.
    let boxed = KBox::<F>::new_uninit(Gfp::Atomic.flags());
    let Ok(boxed) = boxed else {
        core::mem::forget(free);
        return false;
    };
    let data = KBox::into_raw(boxed.write(free));

    // SAFETY: A box is not NULL, and is given away to `call::<F>`. `free` is `Send`, and valid to run
    // until the binding has ended (function precondition).
    unsafe {
        start(
            dev.map(Into::into),
            call::<F>,
            NonNull::new_unchecked(data.cast()),
        )
    }
}

/// Defers the work item `item` to a context that may sleep.
///
/// Allocates nothing, so it does not fail.
///
/// Context: any.
///
/// # Safety
///
/// The work function must be in this module, and `item` be valid to run. If that depends on the device,
/// `item` must own a [`DeferredCount`], and drop it last.
#[cold]
#[inline(never)]
pub(crate) unsafe fn enqueue<W, const ID: u64>(item: W)
where
    W: RawWorkItem<ID, EnqueueOutput = ()> + Send + 'static,
{
    let queue = QUEUE.load(Ordering::Acquire);
    if queue.is_null() {
        // The module is being unloaded, so nothing should call this. If something does, leaking is
        // safe.
        core::mem::forget(item);
        return;
    }

    // SAFETY: The queue lives as long as this module is loaded, and the caller's code depends on this
    // module.
    unsafe { Queue::from_raw(queue) }.enqueue(item);
}

/// Queues `item`, which revokes user mappings, in a context that may wait for locks of processes.
///
/// Does nothing if `item` is queued already and has not begun.
///
/// Context: any.
///
/// # Safety
///
/// The work function must be in this module, and `item` be valid to run.
pub(crate) unsafe fn revoke<W, const ID: u64>(item: W)
where
    W: RawWorkItem<ID, EnqueueOutput = Result<(), W>> + Send + 'static,
{
    let queue = REVOCATIONS.load(Ordering::Acquire);
    if queue.is_null() {
        return;
    }

    // SAFETY: The queue lives as long as this module is loaded, and the caller's code depends on this
    // module.
    let _ = unsafe { Queue::from_raw(queue) }.enqueue(item);
}
