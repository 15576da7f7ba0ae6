// SPDX-License-Identifier: GPL-2.0

//! Destruction of a pool.

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
    bindings,
    impl_has_work,
    prelude::*,
    static_lock_class,
    sync::LockClassKey,
    workqueue::{
        Work,
        WorkItem, //
    }, //
};

/// The work item that destroys a pool. It is allocated with the pool, so that the drop needs no memory.
#[pin_data]
pub(super) struct Destroy {
    pool: Option<NonNull<bindings::dma_pool>>,
    pending: Option<DeferredCount>,
    #[pin]
    work: Work<Destroy>,
}

impl_has_work! {
    impl HasWork<Self> for Destroy { self.work }
}

// SAFETY: Any thread may destroy a pool.
unsafe impl Send for Destroy {}

/// Returns the lock class of all such work items.
///
/// A function of its own, and not inlined, because the initialiser is compiled into each driver: lockdep
/// wants one name for one key, and compares the addresses of names.
#[inline(never)]
fn lock_class() -> (&'static CStr, Pin<&'static LockClassKey>) {
    (c"dma_map::pool::destroy", static_lock_class!())
}

impl Destroy {
    /// Makes the work item, which is not queued yet.
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
                pool: None,
                pending: None,
                work <- Work::new(name, key),
            }),
            Gfp::Kernel.flags(),
        )
    }
}

impl WorkItem for Destroy {
    type Pointer = Pin<KBox<Self>>;

    fn run(mut this: Pin<KBox<Self>>) {
        let pending = this.as_mut().project().pending.take();

        if let Some(pool) = this.pool {
            // SAFETY: Set by `destroy`, whose caller guarantees that the pool may be destroyed.
            unsafe { bindings::dma_pool_destroy(pool.as_ptr()) };
        }
        drop(this);
        drop(pending);
    }
}

/// Destroys `pool`, here or, where that may not sleep, on a workqueue.
///
/// # Safety
///
/// The caller must own the pool, which must be unused and have no outstanding blocks. `dev` must be its
/// device.
pub(super) unsafe fn destroy(
    mut job: Pin<KBox<Destroy>>,
    pool: NonNull<bindings::dma_pool>,
    dev: DmaDevice<'_>,
) {
    *job.as_mut().project().pool = Some(pool);

    if ffi::may_sleep() {
        Destroy::run(job);
    } else {
        *job.as_mut().project().pending = Some(dev.into());
        // SAFETY: The job owns the pool, and the device is bound until the job has run.
        unsafe { deferral::enqueue(job) };
    }
}
