// SPDX-License-Identifier: GPL-2.0

//! Deferred work on a store.

use super::store::Store;
use crate::{
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

/// A function that works on a store.
type Task = unsafe fn(NonNull<Store>);

/// A work item that is allocated beforehand, so that deferring a task needs no memory.
#[pin_data]
pub(super) struct Job {
    task: Option<(Task, NonNull<Store>)>,
    pending: Option<DeferredCount>,
    #[pin]
    work: Work<Job>,
}

impl_has_work! {
    impl HasWork<Self> for Job { self.work }
}

// SAFETY: Any thread may work on a store.
unsafe impl Send for Job {}

/// The lock class of all such work; see [`deferral`].
#[inline(never)]
fn lock_class() -> (&'static CStr, Pin<&'static LockClassKey>) {
    (c"dma_map::mapped_pool", static_lock_class!())
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

/// Runs `task`, in this context if it may sleep, or else on a workqueue, before the device is unbound.
///
/// Context: any but NMI.
///
/// # Safety
///
/// Those of `task`, until the device is unbound.
pub(super) unsafe fn run(mut job: Pin<KBox<Job>>, task: Task, store: NonNull<Store>) {
    *job.as_mut().project().task = Some((task, store));

    if ffi::may_sleep() {
        Job::run(job);
    } else {
        // SAFETY: The caller guarantees that the store exists until the task has run.
        *job.as_mut().project().pending = Some(unsafe { store.as_ref() }.dev.into());
        // SAFETY: The caller guarantees that the task may run until the device is unbound.
        unsafe { deferral::enqueue(job) };
    }
}

impl WorkItem for Job {
    type Pointer = Pin<KBox<Self>>;

    fn run(mut this: Pin<KBox<Self>>) {
        let pending = this.as_mut().project().pending.take();

        if let Some((task, store)) = this.task {
            // SAFETY: `run` above has set these; its caller guarantees the task's requirements.
            unsafe { task(store) };
        }
        drop(this);
        drop(pending);
    }
}
