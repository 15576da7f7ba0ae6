// SPDX-License-Identifier: GPL-2.0

//! Waiting for a condition, for a limited time, without a loop of the driver's.
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)
//!
//! A thread calls [`WaitQueue::wait`] with a condition, and sleeps until it holds. An interrupt handler, or
//! any code that makes it hold, calls [`WaitQueue::wake_all`]. The `kernel` crate's `Completion` has no
//! timeout, and its `CondVar` needs a lock round what it waits for.
//!
//! # A wake-up is a hint
//!
//! - The condition decides, and nothing else. It is asked before the first sleep, after each wake-up, and
//!   once more when the time is up. So an interrupt that comes before the wait, early, late, twice, or for
//!   something else does no harm.
//! - None is lost: the thread is on the queue before it asks. If the condition comes to hold afterwards,
//!   the wake-up ends the sleep, or prevents it.
//! - All waiting threads are woken, so that several can wait for different things on one queue.
//!
//! For a transfer the condition is its engine ([`Transfer::wait`](crate::Transfer::wait)).
//!
//! # Examples
//!
//! ```ignore
//! # use dma_map::wait::{Deadline, WaitOptions, WaitQueue};
//! # use kernel::{sync::atomic::{Atomic, Relaxed}, time::Delta};
//! # struct Regs;
//! # impl Regs { fn start(&self) {} }
//! # fn example(queue: &WaitQueue, answers: &Atomic<u32>, regs: &Regs) -> Result {
//! // In the interrupt handler: answers.add(1, Relaxed); queue.wake_all();
//! let before = answers.load(Relaxed);
//! regs.start();
//! let second = WaitOptions::new(Deadline::after(Delta::from_secs(1)));
//! queue.wait(second.killable(), || answers.load(Relaxed) != before)
//! # }
//! ```

use core::{
    ptr::null_mut,
    sync::atomic::{
        AtomicBool,
        Ordering, //
    }, //
};
use kernel::{
    bindings,
    prelude::*,
    static_lock_class,
    time::{
        msecs_to_jiffies,
        Delta, //
    },
    types::{
        Opaque,
        ScopeGuard, //
    }, //
};

/// C's `MAX_SCHEDULE_TIMEOUT`: no timeout.
const MAX_SCHEDULE_TIMEOUT: c_long = c_long::MAX;

/// A point in time at which a wait ends, or never.
///
/// Several waits can have one deadline, so that what they take together is limited.
#[derive(Clone, Copy)]
pub struct Deadline {
    /// On the monotonic clock, in nanoseconds.
    at: i64,
}

fn now() -> i64 {
    // SAFETY: No preconditions.
    unsafe { bindings::ktime_get() }
}

impl Deadline {
    /// No deadline.
    pub const NEVER: Self = Self { at: i64::MAX };

    /// Returns the point in time that is `time` from now on.
    ///
    /// C API: `ktime_get()`. Context: any.
    #[inline]
    pub fn after(time: Delta) -> Self {
        // The `kernel` crate's `Instant` and `Delta` panic if they overflow.
        Self {
            at: now().saturating_add(time.as_nanos()),
        }
    }

    /// Returns the jiffies that are left, at least one, or `None` if there is no time left.
    fn left(&self) -> Option<c_long> {
        if self.at == i64::MAX {
            return Some(MAX_SCHEDULE_TIMEOUT);
        }
        let left = self.at.saturating_sub(now());

        (left > 0).then(|| jiffies(Delta::from_nanos(left)))
    }
}

/// The longest sleep, 24 days: C takes more milliseconds for no timeout.
const LONGEST: u32 = i32::MAX as u32;

/// Returns `time` in jiffies, rounded up, or those of the [longest sleep](LONGEST). Who waits longer sleeps
/// again.
fn jiffies(time: Delta) -> c_long {
    let ms = time.as_millis_ceil().clamp(0, LONGEST.into());
    let jiffies = msecs_to_jiffies(ms.try_into().unwrap_or(LONGEST));

    c_long::try_from(jiffies.max(1)).unwrap_or(c_long::MAX)
}

/// How long a wait lasts, and what else ends it.
///
/// By default the deadline does, and no signal.
#[derive(Clone, Copy)]
pub struct WaitOptions {
    deadline: Deadline,
    state: u32,
    interval: Option<Delta>,
}

impl WaitOptions {
    /// Waits until the deadline.
    #[inline]
    pub const fn new(deadline: Deadline) -> Self {
        Self {
            deadline,
            state: bindings::TASK_UNINTERRUPTIBLE,
            interval: None,
        }
    }

    /// Lets a fatal signal end the wait. Of this, [`interruptible`](Self::interruptible) and
    /// [`idle`](Self::idle) the last one counts.
    ///
    /// C API: `wait_event_killable_timeout()`.
    #[inline]
    pub const fn killable(self) -> Self {
        Self {
            state: bindings::TASK_KILLABLE,
            ..self
        }
    }

    /// Lets any signal end the wait. It replaces [`killable`](Self::killable) and [`idle`](Self::idle).
    ///
    /// C API: `wait_event_interruptible_timeout()`.
    #[inline]
    pub const fn interruptible(self) -> Self {
        Self {
            state: bindings::TASK_INTERRUPTIBLE,
            ..self
        }
    }

    /// Waits without being taken for a hung task: for a thread of the kernel's that may wait for ever. No signal
    /// ends the wait: it replaces [`killable`](Self::killable) and [`interruptible`](Self::interruptible).
    ///
    /// C API: `wait_event_idle_timeout()`.
    #[inline]
    pub const fn idle(self) -> Self {
        Self {
            state: bindings::TASK_IDLE,
            ..self
        }
    }

    /// Asks the condition every so often, too, as for a device without interrupts.
    #[inline]
    pub const fn poll(self, interval: Delta) -> Self {
        Self {
            interval: Some(interval),
            ..self
        }
    }
}

/// A queue of threads that wait.
#[pin_data]
pub struct WaitQueue {
    #[pin]
    inner: Opaque<bindings::wait_queue_head>,
    ended: AtomicBool,
}

// SAFETY: A wait queue is not tied to a thread.
unsafe impl Send for WaitQueue {}

// SAFETY: The C functions behind the methods take the queue's lock.
unsafe impl Sync for WaitQueue {}

/// Initialises a queue.
///
/// Not inlined, so that the queues of all drivers share one lock class, for which lockdep wants one name, by
/// its address.
///
/// # Safety
///
/// `queue` must be valid for writes, and must not move from here on.
#[inline(never)]
unsafe fn init(queue: *mut bindings::wait_queue_head) {
    // SAFETY: By the precondition of this function. The name and the class are static.
    unsafe {
        bindings::__init_waitqueue_head(
            queue,
            c"dma_map::WaitQueue".as_char_ptr(),
            static_lock_class!().get_ref().as_ptr(),
        )
    };
}

impl WaitQueue {
    /// Makes a queue.
    ///
    /// C API: `init_waitqueue_head()`. Context: any.
    pub fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            // SAFETY: The slot is valid, and stays in place.
            inner <- Opaque::ffi_init(|slot| unsafe { init(slot) }),
            ended: AtomicBool::new(false),
        })
    }

    /// Lets all that wait ask their condition.
    ///
    /// What makes a condition hold must be written before this call.
    ///
    /// C API: `wake_up_all()`. Context: any.
    #[inline]
    pub fn wake_all(&self) {
        // SAFETY: The queue was initialised, and is not moved.
        unsafe { bindings::__wake_up(self.inner.get(), bindings::TASK_NORMAL, 0, null_mut()) };
    }

    /// Ends this wait queue: whoever waits, now or later, gets `ENODEV`.
    ///
    /// For [`Guarded::shutdown`](crate::gate::Guarded::shutdown). Context: any.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.wake_all();
    }

    /// Sleeps until `condition` returns true.
    ///
    /// The condition must not sleep, for the thread may be about to. See [above](self) for when it is
    /// asked.
    ///
    /// C API: `wait_event_timeout()` and its variants. Context: may sleep.
    ///
    /// # Errors
    ///
    /// The condition did not hold when it was asked last.
    ///
    /// - `ETIMEDOUT`: the deadline has passed.
    /// - `ERESTARTSYS`: a signal came that the options let end the wait.
    /// - `ENODEV`: the queue has [ended](Self::end), whether the condition holds or not.
    pub fn wait(&self, options: WaitOptions, mut condition: impl FnMut() -> bool) -> Result {
        self.wait_for(options, &mut condition)
    }

    /// Sleeps until `attempt` returns something, and returns that: what it took from a ring, or the guard
    /// of a lock under which there is room.
    ///
    /// `attempt` is asked when, and as, the condition of [`wait`](Self::wait) is.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](Self::wait). Nothing was returned then, so nothing is lost.
    pub fn wait_some<T>(
        &self,
        options: WaitOptions,
        mut attempt: impl FnMut() -> Option<T>,
    ) -> Result<T> {
        let mut found = None;

        self.wait_for(options, &mut || {
            found = attempt();
            found.is_some()
        })?;
        // There is something, by the condition.
        found.ok_or(ETIMEDOUT)
    }

    fn wait_for(&self, options: WaitOptions, condition: &mut dyn FnMut() -> bool) -> Result {
        // The usual case costs no lock.
        if !self.ended.load(Ordering::Acquire) && condition() {
            return Ok(());
        }

        let entry = Opaque::<bindings::wait_queue_entry>::uninit();
        // SAFETY: The entry is valid, and stays in place until the guard has taken it off the queue.
        unsafe { bindings::init_wait_entry(entry.get(), 0) };
        let _guard = ScopeGuard::new(|| {
            // SAFETY: The entry was initialised, and was on no other queue.
            unsafe { bindings::finish_wait(self.inner.get(), entry.get()) };
        });

        loop {
            // From here on a wake-up ends the next sleep, so the condition is asked after it.
            //
            // SAFETY: The queue and the entry were initialised, and are not moved.
            let signal = unsafe {
                bindings::prepare_to_wait_event(
                    self.inner.get(),
                    entry.get(),
                    // CAST: The states are small bits.
                    options.state as c_int,
                )
            };
            if self.ended.load(Ordering::Acquire) {
                return Err(ENODEV);
            }
            if condition() {
                return Ok(());
            }
            if signal != 0 {
                return Err(ERESTARTSYS);
            }

            let left = options.deadline.left().ok_or(ETIMEDOUT)?;
            let sleep = match options.interval {
                Some(interval) => left.min(jiffies(interval)),
                None => left,
            };
            // SAFETY: No preconditions. What is left is computed from the clock.
            let _ = unsafe { bindings::schedule_timeout(sleep) };
        }
    }
}
