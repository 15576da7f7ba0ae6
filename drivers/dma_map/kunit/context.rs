// SPDX-License-Identifier: GPL-2.0

//! Atomic contexts for the cases.

use crate::{
    c,
    check::*, //
};
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

/// Runs `f` in each context that must not sleep: with a spinlock held, with interrupts off, and in a hard
/// interrupt.
#[inline(never)]
pub(crate) fn each_atomic(f: &mut (dyn FnMut() -> Result + Send)) -> Result {
    spinlocked(&mut *f)?;
    let (result, were_off) = irqs_off(&mut *f);
    result?;
    check!(were_off);
    hard_irq(f)?
}

/// Runs `f`, and each `period` ns meanwhile `irq`, in a hard interrupt of a timer of the CPU on which this
/// begins.
///
/// # Errors
///
/// `ENOMEM`.
pub(crate) fn interrupted<R>(
    period: i64,
    irq: impl FnMut() + Send,
    f: impl FnOnce() -> R,
) -> Result<R> {
    // Not `_HARD`: that interrupts a real-time kernel, too, where spinlocks sleep.
    const MODE: bindings::hrtimer_mode = bindings::hrtimer_mode_HRTIMER_MODE_REL_PINNED;

    #[repr(C)]
    struct Timer<F> {
        timer: bindings::hrtimer,
        period: i64,
        irq: F,
    }

    /// # Safety
    ///
    /// `timer` must be the first field of a `Timer<F>`, of which nobody else uses the other fields.
    unsafe extern "C" fn expired<F: FnMut()>(
        timer: *mut bindings::hrtimer,
    ) -> bindings::hrtimer_restart {
        let this = timer.cast::<Timer<F>>();
        // SAFETY: By the safety requirements of this function. A timer does not interrupt itself.
        unsafe {
            let begin = bindings::ktime_get();
            ((*this).irq)();
            // Most of the time is left to the others, also on a machine that is slow.
            let next = (*this).period.max(4 * (bindings::ktime_get() - begin));
            bindings::hrtimer_start_range_ns(timer, next, 0, MODE);
        }
        bindings::hrtimer_restart::HRTIMER_NORESTART
    }

    fn start<F: FnMut(), R>(period: i64, irq: F, f: impl FnOnce() -> R) -> Result<R> {
        let this = Timer {
            timer: Default::default(),
            period,
            irq,
        };
        let this = KBox::into_raw(KBox::new(this, GFP_KERNEL)?);

        // SAFETY: The timer is valid, and stays in place until it is cancelled, which waits for it.
        unsafe {
            let timer = this.cast();
            let clock = bindings::CLOCK_MONOTONIC as bindings::clockid_t;
            bindings::hrtimer_setup(timer, Some(expired::<F>), clock, MODE);
            bindings::hrtimer_start_range_ns(timer, period, 0, MODE);
            let result = f();
            bindings::hrtimer_cancel(timer);
            drop(KBox::from_raw(this));
            Ok(result)
        }
    }

    start(period, irq, f)
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
