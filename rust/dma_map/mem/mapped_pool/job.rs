// SPDX-License-Identifier: GPL-2.0

//! What has to be done in a context that may sleep, wherever it is needed.

use super::store::Store;
use crate::{
    gfp::Gfp,
    sys::{
        deferral::{
            self,
            Pending, //
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

/// Work on a store.
type Task = unsafe fn(NonNull<Store>);

/// Made beforehand, so that nothing has to be allocated when it is needed.
#[pin_data]
pub(super) struct Job {
    task: Option<(Task, NonNull<Store>)>,
    pending: Option<Pending>,
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
    /// Not inlined, so that what runs it is in this module, see [`deferral`].
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

/// Runs `task`, in this context if that may sleep, or before the device is unbound.
///
/// Context: any but NMI.
///
/// # Safety
///
/// The task's own, until the device is unbound.
pub(super) unsafe fn run(mut job: Pin<KBox<Job>>, task: Task, store: NonNull<Store>) {
    *job.as_mut().project().task = Some((task, store));

    if ffi::may_sleep() {
        Job::run(job);
    } else {
        // SAFETY: By the safety requirements of this function, the store is there.
        *job.as_mut().project().pending = Some(unsafe { store.as_ref() }.dev.into());
        // SAFETY: By the safety requirements of this function.
        unsafe { deferral::enqueue(job) };
    }
}

impl WorkItem for Job {
    type Pointer = Pin<KBox<Self>>;

    fn run(mut this: Pin<KBox<Self>>) {
        let pending = this.as_mut().project().pending.take();

        if let Some((task, store)) = this.task {
            // SAFETY: Set by `run` above, whose caller has seen to that.
            unsafe { task(store) };
        }
        drop(this);
        drop(pending);
    }
}
