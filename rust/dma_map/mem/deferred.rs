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
        ffi, //
    },
};
use core::ptr::NonNull;
use kernel::prelude::*;

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
