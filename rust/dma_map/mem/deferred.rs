// SPDX-License-Identifier: GPL-2.0

//! Deferred frees: of memory, and of what is left of a pool.

use crate::{
    device::DmaDevice,
    sys::{
        deferral::{
            self,
            Job,
            Task, //
        },
        ffi,
        leak_tracking::Entry, //
    },
};
use core::ptr::NonNull;
use kernel::prelude::*;

/// Frees `size` bytes of memory, here or, where that may not sleep, from a workqueue.
///
/// # Safety
///
/// `memory` must be that of an allocation for `dev`, which nobody uses any more.
#[inline]
pub(super) unsafe fn free(dev: DmaDevice<'_>, size: usize, memory: Entry) {
    // SAFETY: The memory of `dev`, which is bound, is unused (function precondition).
    unsafe {
        if ffi::may_sleep() {
            memory.release(dev.as_raw());
        } else {
            free_later(dev, size, memory);
        }
    }
}

/// Frees `size` bytes of memory from a workqueue.
///
/// # Safety
///
/// That of [`free`].
#[cold]
pub(super) unsafe fn free_later(dev: DmaDevice<'_>, size: usize, memory: Entry) {
    // SAFETY: The memory is unused (function precondition), and the device is bound until the closure
    // has run, where it may sleep.
    unsafe { defer(dev, size, move |dev| memory.release(dev.as_raw())) };
}

/// Runs `free` on a workqueue, before `dev` is unbound. Without memory for that, the `size` bytes that it
/// would free are quarantined.
///
/// # Safety
///
/// `free` must be valid to run until the device is unbound.
pub(super) unsafe fn defer(
    dev: DmaDevice<'_>,
    size: usize,
    free: impl FnOnce(DmaDevice<'_>) + Send + 'static,
) {
    // SAFETY: The device is bound until the closure below has run, which alone uses this.
    let bound = unsafe { core::mem::transmute::<DmaDevice<'_>, DmaDevice<'static>>(dev) };

    // SAFETY: `free` is valid to run until the binding has ended (function precondition).
    if !unsafe { deferral::defer(Some(dev), move || free(bound)) } {
        dev.quarantine(size);
    }
}

/// Calls `task(pool)`, in this context if it may sleep, or else from `job`, before `dev` is unbound.
///
/// `job` is allocated with the pool, so the drop of a pool needs no memory. Context: any but NMI.
///
/// # Safety
///
/// `task(pool)` must be valid to call once, by any thread that may sleep, until the device is unbound.
pub(super) unsafe fn run(
    job: Pin<KBox<Job>>,
    dev: DmaDevice<'_>,
    task: Task,
    pool: NonNull<c_void>,
) {
    // SAFETY: The call is valid until the device is unbound (function precondition).
    unsafe {
        if ffi::may_sleep() {
            task(pool);
        } else {
            job.queue(Some(dev.into()), task, pool);
        }
    }
}
