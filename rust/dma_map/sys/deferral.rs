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
    new_work,
    prelude::*,
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

/// A function that a job calls, with the pointer that it gets.
pub(crate) type Task = unsafe fn(NonNull<c_void>);

/// A work item that makes one call.
///
/// A pool allocates its jobs in advance, so that its drop needs no memory.
///
/// Not generic, so that the work function is in this module: the code of the driver may be unloaded
/// once the binding has ended.
#[pin_data]
pub(crate) struct Job {
    #[pin]
    work: Work<Job>,
    task: Option<(Task, NonNull<c_void>)>,
    pending: Option<DeferredCount>,
}

// SAFETY: Any thread may make the call (precondition of `queue`).
unsafe impl Send for Job {}

impl_has_work! {
    impl HasWork<Self> for Job { self.work }
}

impl WorkItem for Job {
    type Pointer = Pin<KBox<Self>>;

    fn run(mut this: Pin<KBox<Self>>) {
        let pending = this.as_mut().project().pending.take();

        if let Some((run, data)) = this.task {
            // SAFETY: `run(data)` is valid to call once (precondition of `queue`), and a job runs once.
            unsafe { run(data) };
        }
        drop(this);
        drop(pending);
    }
}

impl Job {
    /// Makes a job without a call.
    ///
    /// Not inlined, so that the work function is in this module, and all drivers share one lock class.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    #[inline(never)]
    pub(crate) fn new(gfp: Gfp) -> Result<Pin<KBox<Self>>> {
        KBox::pin_init(
            pin_init!(Self {
                work <- new_work!("dma_map::deferral"),
                task: None,
                pending: None,
            }),
            gfp.flags(),
        )
    }

    /// Calls `run(data)` in a context that may sleep.
    ///
    /// Context: any.
    ///
    /// # Safety
    ///
    /// `run(data)` must be valid to call once, by any thread: until the binding that `pending` counts
    /// for has ended, or, without `pending`, as long as this module is loaded.
    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn queue(
        mut self: Pin<KBox<Self>>,
        pending: Option<DeferredCount>,
        run: Task,
        data: NonNull<c_void>,
    ) {
        let this = self.as_mut().project();
        *this.task = Some((run, data));
        *this.pending = pending;

        // SAFETY: The work function is in this module, and the call is valid (function precondition).
        unsafe { enqueue(&QUEUE, self) };
    }
}

/// Enqueues `item`, in any context. Returns what that says, or `None` if the item is leaked.
///
/// # Safety
///
/// The work function must be in this module, and `item` be valid to run.
unsafe fn enqueue<W, const ID: u64>(
    queue: &AtomicPtr<bindings::workqueue_struct>,
    item: W,
) -> Option<W::EnqueueOutput>
where
    W: RawWorkItem<ID> + Send + 'static,
{
    let queue = queue.load(Ordering::Acquire);
    if queue.is_null() {
        // The module is being unloaded, so no driver is left that calls this. The item is leaked with
        // the count that it may hold, for which an unbind would wait.
        core::mem::forget(item);
        return None;
    }

    // SAFETY: The queue lives as long as this module is loaded, and the caller's code depends on this
    // module.
    Some(unsafe { Queue::from_raw(queue) }.enqueue(item))
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
    let memory = (
        Job::new(Gfp::Atomic),
        KBox::<F>::new_uninit(Gfp::Atomic.flags()),
    );
    let (Ok(job), Ok(boxed)) = memory else {
        core::mem::forget(free);
        return false;
    };
    let data = KBox::into_raw(boxed.write(free));

    // SAFETY: A box is not NULL, and is given away to `call::<F>`. `free` is `Send`, and valid to run
    // until the binding has ended (function precondition).
    unsafe {
        job.queue(
            dev.map(Into::into),
            call::<F>,
            NonNull::new_unchecked(data.cast()),
        )
    };
    true
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
    // SAFETY: By the preconditions of this function.
    let _ = unsafe { enqueue(&REVOCATIONS, item) };
}
