// SPDX-License-Identifier: GPL-2.0

//! The end of a pool, where it may sleep and where it may not.

use crate::{
    device::DmaDevice,
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

/// The work of destroying a pool: made with the pool, so that its drop finds it.
#[pin_data]
pub(super) struct Destroy {
    pool: Option<NonNull<bindings::dma_pool>>,
    pending: Option<Pending>,
    #[pin]
    work: Work<Destroy>,
}

impl_has_work! {
    impl HasWork<Self> for Destroy { self.work }
}

// SAFETY: A pool may be destroyed by any thread.
unsafe impl Send for Destroy {}

/// The lock class of all such work.
///
/// Not inlined, and no part of the initialiser, which is compiled into each driver: lockdep wants
/// one key to have one name, and it compares addresses.
#[inline(never)]
fn lock_class() -> (&'static CStr, Pin<&'static LockClassKey>) {
    (c"dma_map::pool::destroy", static_lock_class!())
}

impl Destroy {
    /// Makes the work, which is not begun.
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
            // SAFETY: Set by `destroy` below, with a pool that it may destroy.
            unsafe { bindings::dma_pool_destroy(pool.as_ptr()) };
        }
        drop(this);
        drop(pending);
    }
}

/// Destroys `pool`, now or, where that may not sleep, later.
///
/// # Safety
///
/// The pool must be the caller's, without blocks outstanding, and must not be used again. `dev` must
/// be its device.
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
        // SAFETY: The pool is the job's alone, and the device is bound until the job has run.
        unsafe { deferral::enqueue(job) };
    }
}
