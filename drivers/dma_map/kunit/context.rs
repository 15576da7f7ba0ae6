// SPDX-License-Identifier: GPL-2.0

//! Contexts that must not sleep.

use crate::c;
use kernel::{
    bindings,
    interrupt::local_interrupt_disable,
    new_spinlock,
    prelude::*, //
};

/// Runs `f` with interrupts off, and returns what it did and whether they really were.
pub(crate) fn irqs_off<R>(f: impl FnOnce() -> R) -> (R, bool) {
    let _off = local_interrupt_disable();
    (f(), c::irqs_disabled())
}

/// Runs `f` with a spinlock held.
pub(crate) fn spinlocked<R>(f: impl FnOnce() -> R) -> R {
    pin_init::stack_pin_init!(let lock = new_spinlock!((), "dma_map_kunit::spinlocked"));
    let _guard = lock.lock();
    f()
}

/// Runs `f` in a hard interrupt.
pub(crate) fn hard_irq<R: Send>(f: impl FnOnce() -> R + Send) -> Result<R> {
    #[repr(C)]
    struct Work<F, R> {
        work: bindings::irq_work,
        f: Option<F>,
        result: Option<R>,
    }

    /// # Safety
    ///
    /// `work` must be the first field of a `Work<F, R>` that nobody else uses.
    unsafe extern "C" fn run<R, F: FnOnce() -> R>(work: *mut bindings::irq_work) {
        let this = work.cast::<Work<F, R>>();
        // SAFETY: By the safety requirements of this function.
        unsafe { (*this).result = (*this).f.take().map(|f| f()) };
    }

    fn start<R, F: FnOnce() -> R>(f: F) -> Result<R> {
        let mut this = Work {
            work: bindings::irq_work {
                func: Some(run::<R, F>),
                ..Default::default()
            },
            f: Some(f),
            result: None::<R>,
        };
        let work: *mut Work<F, R> = &mut this;

        // SAFETY: The work is valid, stays in place, and is not used until it is done.
        unsafe {
            let _ = bindings::irq_work_queue(work.cast());
            bindings::irq_work_sync(work.cast());
        }
        this.result.ok_or(EIO)
    }

    start(f)
}

/// Runs `f` on CPU `cpu`, with interrupts off, in a hard interrupt if that is another one.
pub(crate) fn on_cpu<R: Send>(cpu: u32, f: impl FnOnce() -> R + Send) -> Result<R> {
    struct Call<F, R> {
        f: Option<F>,
        result: Option<R>,
    }

    /// # Safety
    ///
    /// `info` must be a `Call<F, R>` that nobody else uses.
    unsafe extern "C" fn run<R, F: FnOnce() -> R>(info: *mut c_void) {
        // SAFETY: By the safety requirements of this function.
        let call = unsafe { &mut *info.cast::<Call<F, R>>() };
        call.result = call.f.take().map(|f| f());
    }

    fn start<R, F: FnOnce() -> R>(cpu: u32, f: F) -> Result<R> {
        let mut call = Call {
            f: Some(f),
            result: None::<R>,
        };
        let cpu = c_int::try_from(cpu)?;

        // SAFETY: The call is valid, and not used until the function has returned, when it is done.
        kernel::error::to_result(unsafe {
            bindings::smp_call_function_single(cpu, Some(run::<R, F>), (&raw mut call).cast(), true)
        })?;
        call.result.ok_or(EIO)
    }

    start(cpu, f)
}
