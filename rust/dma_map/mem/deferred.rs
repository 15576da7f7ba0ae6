// SPDX-License-Identifier: GPL-2.0

//! Deferred frees: of memory, and of what is left of a pool.

use crate::{
    device::DmaDevice,
    gfp::Gfp,
    sys::{
        deferral::{
            self,
            DeferredCount, //
        },
        ffi, //
    },
};
use core::ptr::NonNull;
use kernel::{
    impl_has_work,
    prelude::*,
    static_lock_class,
    sync::LockClassKey,
    workqueue::{
        Work,
        WorkItem, //
    }, //
};

/// Memory without a handle. Dropping it frees nothing.
#[expect(unreachable_pub, reason = "the bound of a type in a public trait")]
pub trait Unowned: Send + 'static {
    /// Frees the memory.
    ///
    /// # Safety
    ///
    /// Nobody may use the memory any more. The caller must be in a context that may sleep, and the device
    /// must be bound.
    unsafe fn free(self);
}

/// Frees `size` bytes of memory, here or, where that may not sleep, from a workqueue.
///
/// # Safety
///
/// Nobody may use the memory any more. `dev` must be its device.
pub(super) unsafe fn free(dev: DmaDevice<'_>, size: usize, memory: impl Unowned) {
    if ffi::may_sleep() {
        // SAFETY: The memory of `dev`, which is bound, is unused (function precondition).
        unsafe { memory.free() };
    } else {
        // SAFETY: The memory is unused (function precondition). The device stays bound until the closure
        // has run, in a workqueue, which may sleep.
        unsafe { defer(dev, size, move || memory.free()) };
    }
}

/// Runs `free` on a workqueue, before `dev` is unbound. Without memory for that, the `size` bytes that it
/// would free are quarantined.
///
/// # Safety
///
/// `free` must be valid to run until the device is unbound.
pub(super) unsafe fn defer(dev: DmaDevice<'_>, size: usize, free: impl FnOnce() + Send + 'static) {
    // SAFETY: `free` is valid to run until the binding has ended (function precondition).
    if !unsafe { deferral::defer(Some(dev), free) } {
        dev.quarantine(size);
    }
}

/// A function that takes a pool apart. It gets the pointer that was passed to [`run`].
type Task = unsafe fn(NonNull<c_void>);

/// A work item that is allocated with a pool, so that the drop of the pool needs no memory.
#[pin_data]
pub(super) struct Job {
    task: Option<(Task, NonNull<c_void>)>,
    pending: Option<DeferredCount>,
    #[pin]
    work: Work<Job>,
}

impl_has_work! {
    impl HasWork<Self> for Job { self.work }
}

// SAFETY: Any thread may run the task (safety requirements of `run`).
unsafe impl Send for Job {}

/// The lock class of all such work.
///
/// A function of its own, and not inlined, because the initialiser is compiled into each driver: lockdep
/// wants one name for one key, and compares the addresses of names.
#[inline(never)]
fn lock_class() -> (&'static CStr, Pin<&'static LockClassKey>) {
    (c"dma_map::pool", static_lock_class!())
}

impl Job {
    /// Makes a job without a task.
    ///
    /// Not inlined, so that the function that runs it is in this module, see [`deferral`].
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    #[inline(never)]
    pub(super) fn new() -> Result<Pin<KBox<Self>>> {
        let (name, key) = lock_class();

        KBox::pin_init(
            pin_init!(Self {
                task: None,
                pending: None,
                work <- Work::new(name, key),
            }),
            Gfp::Kernel.flags(),
        )
    }
}

impl WorkItem for Job {
    type Pointer = Pin<KBox<Self>>;

    fn run(mut this: Pin<KBox<Self>>) {
        let pending = this.as_mut().project().pending.take();

        if let Some((task, pool)) = this.task {
            // SAFETY: `run` below has set these; its caller guarantees the task's requirements.
            unsafe { task(pool) };
        }
        drop(this);
        drop(pending);
    }
}

/// Runs `task`, in this context if it may sleep, or else on a workqueue, before `dev` is unbound.
///
/// Context: any but NMI.
///
/// # Safety
///
/// Those of `task`, on any thread, until the device is unbound. `task` must be in this module.
pub(super) unsafe fn run(
    mut job: Pin<KBox<Job>>,
    dev: DmaDevice<'_>,
    task: Task,
    pool: NonNull<c_void>,
) {
    *job.as_mut().project().task = Some((task, pool));

    if ffi::may_sleep() {
        Job::run(job);
    } else {
        *job.as_mut().project().pending = Some(dev.into());
        // SAFETY: The task may run until the device is unbound (function precondition).
        unsafe { deferral::enqueue(job) };
    }
}
