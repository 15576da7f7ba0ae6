// SPDX-License-Identifier: GPL-2.0

//! Frees that are put off to a context in which they are legal.
//!
//! `dma_free_attrs()` must not run with interrupts off, and `vfree()` must not run in atomic
//! context. A handle may be dropped anywhere, so such a drop hands the memory to a workqueue of
//! this module.
//!
//! Unbind waits for what was put off for its own binding, by a count, so nothing outlives the binding
//! (see [`binding`](crate::device::binding)). It does not flush the queue, which is that of all devices: what
//! one device has to wait for would hold up the others.
//!
//! Taking memory from processes has a queue of its own, because it waits for their locks.

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

/// The one for what waits for processes, likewise.
static REVOCATIONS: AtomicPtr<bindings::workqueue_struct> = AtomicPtr::new(null_mut());

/// Owns the workqueues; the module's data.
pub(crate) struct Owner {
    _queue: Owned,
    _revocations: Owned,
}

impl Owner {
    /// Makes the workqueues.
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
        // The module is being unloaded, so no client is left.
        QUEUE.store(null_mut(), Ordering::Release);
        REVOCATIONS.store(null_mut(), Ordering::Release);
    }
}

/// Counts something that was put off for a binding, until this is dropped.
///
/// The last thing that is done about it, and in code of this module: then the binding may end, and the
/// driver be unloaded. A [`DmaDevice`](crate::DmaDevice) converts into it.
///
/// # Invariants
///
/// The count of the binding is valid, because this is counted in it.
pub(crate) struct Pending(NonNull<AtomicUsize>);

// SAFETY: The count is atomic.
unsafe impl Send for Pending {}

impl Pending {
    /// Counts one more.
    ///
    /// # Safety
    ///
    /// Whoever ends the life of `count` must [wait](ffi::wait_pending) until it is 0 before.
    pub(crate) unsafe fn new(count: &AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        // INVARIANT: It is valid here, and by the safety requirements as long as this is counted.
        Self(NonNull::from(count))
    }
}

impl Drop for Pending {
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: By the type invariants. The function does not use it once it is not counted.
        unsafe { ffi::put_pending(self.0.as_ref()) };
    }
}

/// Something that was put off.
///
/// Not generic, so that what runs it is in this module: the code of the driver is there until the
/// binding has ended, and no longer.
#[pin_data]
struct Job {
    #[pin]
    work: Work<Job>,
    run: unsafe fn(NonNull<c_void>),
    data: NonNull<c_void>,
    pending: Option<Pending>,
}

// SAFETY: `defer` has the bound.
unsafe impl Send for Job {}

impl_has_work! {
    impl HasWork<Self> for Job { self.work }
}

impl WorkItem for Job {
    type Pointer = Pin<KBox<Self>>;

    fn run(mut this: Pin<KBox<Self>>) {
        let pending = this.as_mut().project().pending.take();

        // SAFETY: Set by `start`, and run once.
        unsafe { (this.run)(this.data) };
        drop(this);
        drop(pending);
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

/// Has `run(data)` run by the queue, unless there is no memory for that.
///
/// # Safety
///
/// It must be valid to run once, by any thread: until the binding that `pending` counts for has ended, or,
/// without, as long as this module is loaded.
#[cold]
#[inline(never)]
unsafe fn start(
    pending: Option<Pending>,
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

    // SAFETY: The queue lives as long as the module is loaded, and code that calls this is linked
    // to the module.
    unsafe { Queue::from_raw(queue) }.enqueue(job);
    true
}

/// Runs a closure that was boxed.
///
/// # Safety
///
/// `data` must be a `KBox<F>` that was leaked, and is given away here.
unsafe fn call<F: FnOnce()>(data: NonNull<c_void>) {
    // SAFETY: By the safety requirements of this function.
    let free = unsafe { KBox::from_raw(data.as_ptr().cast::<F>()) };

    KBox::into_inner(free)();
}

/// Runs `free` in a context that may sleep, before the binding ends that is counted for: that of `dev`.
///
/// Without one, it must be of this module's own code, and runs at some time.
///
/// Returns `false` if there is no memory to arrange that; `free` is then forgotten, and the caller
/// counts the memory as quarantined.
///
/// Context: any.
///
/// # Safety
///
/// `free` must be valid to run until that binding has ended.
#[cold]
#[inline(never)]
pub(crate) unsafe fn defer<F>(dev: Option<impl Into<Pending>>, free: F) -> bool
where
    F: FnOnce() + Send + 'static,
{
    // What it owns must be leaked when there is no memory for the job, so it is taken out only by
    // running it.
    let boxed = KBox::<F>::new_uninit(Gfp::Atomic.flags());
    let Ok(boxed) = boxed else {
        core::mem::forget(free);
        return false;
    };
    let data = KBox::into_raw(boxed.write(free));

    // SAFETY: A box is not NULL; it is given away. The rest is this function's requirement.
    unsafe {
        start(
            dev.map(Into::into),
            call::<F>,
            NonNull::new_unchecked(data.cast()),
        )
    }
}

/// Runs `item` in a context that may sleep.
///
/// Nothing is allocated, so that this does not fail.
///
/// Context: any.
///
/// # Safety
///
/// What runs it must be in this module. It must be valid to run; if that depends on the device, it
/// must own a [`Pending`], and drop it last.
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

    // SAFETY: As in `start`.
    unsafe { Queue::from_raw(queue) }.enqueue(item);
}

/// Runs `item`, which takes memory from processes, in a context that may wait for their locks.
///
/// Nothing is done if it is enqueued already: then it has not begun.
///
/// Context: any.
///
/// # Safety
///
/// What runs it must be in this module, and it must be valid to run.
pub(crate) unsafe fn revoke<W, const ID: u64>(item: W)
where
    W: RawWorkItem<ID, EnqueueOutput = Result<(), W>> + Send + 'static,
{
    let queue = REVOCATIONS.load(Ordering::Acquire);
    if queue.is_null() {
        return;
    }

    // SAFETY: As in `start`.
    let _ = unsafe { Queue::from_raw(queue) }.enqueue(item);
}
