// SPDX-License-Identifier: GPL-2.0

//! [`dma_map::wait`]: what ends a wait, and what does not.

use crate::{
    check::*,
    context,
    workers::{
        wait_until,
        Workers, //
    }, //
};
use dma_map::wait::{
    Deadline,
    WaitOptions,
    WaitQueue, //
};
use kernel::{
    bindings,
    impl_has_work,
    new_spinlock,
    new_work,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
    time::{
        Delta,
        Instant,
        Monotonic, //
    },
    workqueue::{
        Work,
        WorkItem, //
    }, //
};

/// More than any wait takes that ends by what it waits for, also on a busy host.
const LONG: Delta = Delta::from_secs(60);

fn within(ms: i64) -> WaitOptions {
    WaitOptions::new(Deadline::after(Delta::from_millis(ms)))
}

fn long() -> WaitOptions {
    WaitOptions::new(Deadline::after(LONG))
}

fn new() -> Result<Pin<KBox<WaitQueue>>> {
    KBox::pin_init(WaitQueue::new(), GFP_KERNEL)
}

/// Waits with `options` for what never comes, and returns how that ended, how often the condition was
/// asked.
fn in_vain(queue: &WaitQueue, options: WaitOptions) -> (Result, u32) {
    let mut asked = 0;
    let result = queue.wait(options, || {
        asked += 1;
        false
    });
    (result, asked)
}

/// Runs `f` with a signal that the thread of the case takes.
fn signalled<R>(signal: c_int, f: impl FnOnce() -> R) -> R {
    /// C's `SIG_KTHREAD` and `SIG_IGN`.
    const ALLOW: usize = 2;
    const IGNORE: usize = 1;
    let handle = |how: usize| {
        // SAFETY: The two values are those that C passes for a thread of the kernel's.
        unsafe {
            bindings::kernel_sigaction(
                signal,
                core::mem::transmute::<usize, bindings::__sighandler_t>(how),
            )
        };
    };

    handle(ALLOW);
    // SAFETY: The thread runs.
    let _ = unsafe { bindings::send_sig(signal, bindings::get_current(), 0) };
    let result = f();
    // SAFETY: The thread is the caller's own.
    unsafe { bindings::flush_signals(bindings::get_current()) };
    handle(IGNORE);
    result
}

/// What threads of a case wait for.
#[pin_data]
struct Shared {
    #[pin]
    queue: WaitQueue,
    /// A bit for each thread that may go on.
    go: Atomic<u32>,
    waiting: Atomic<u32>,
    done: Atomic<u32>,
    ended: Atomic<u32>,
}

impl Shared {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                queue <- WaitQueue::new(),
                go: Atomic::new(0),
                waiting: Atomic::new(0),
                done: Atomic::new(0),
                ended: Atomic::new(0),
            }),
            GFP_KERNEL,
        )
    }
}

/// A thread that waits for its bit.
#[pin_data]
struct Waiter {
    #[pin]
    work: Work<Waiter>,
    shared: Arc<Shared>,
    bit: u32,
}

impl_has_work! {
    impl HasWork<Self> for Waiter { self.work }
}

impl Waiter {
    fn start(workers: &Workers, shared: &Arc<Shared>, bit: u32) -> Result {
        let waiter = Arc::pin_init(
            try_pin_init!(Self {
                work <- new_work!("dma_map_kunit::Waiter"),
                shared: shared.clone(),
                bit,
            }),
            GFP_KERNEL,
        )?;
        workers.start(waiter)
    }
}

impl WorkItem for Waiter {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        let shared = &this.shared;
        shared.waiting.add(1, Relaxed);
        let result = shared.queue.wait(long().idle(), || {
            shared.go.load(Relaxed) & (1 << this.bit) != 0
        });
        match result {
            Ok(()) => shared.done.add(1, Relaxed),
            Err(err) if err == ENODEV => shared.ended.add(1, Relaxed),
            Err(_) => (),
        }
    }
}

/// A thread that, when it runs, ends what somebody waits for.
#[pin_data]
struct Waker {
    #[pin]
    work: Work<Waker>,
    shared: Arc<Shared>,
}

impl_has_work! {
    impl HasWork<Self> for Waker { self.work }
}

impl Waker {
    fn new(shared: Arc<Shared>) -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                work <- new_work!("dma_map_kunit::Waker"),
                shared,
            }),
            GFP_KERNEL,
        )
    }
}

impl WorkItem for Waker {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        // Some for nothing, and then one for something.
        for _ in 0..3 {
            this.shared.queue.wake_all();
        }
        this.shared.go.store(1, Relaxed);
        this.shared.queue.wake_all();
    }
}

#[kunit_tests(dma_map_wait)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_already_needs_no_wake_up_and_no_time() -> Result {
        let queue = new()?;
        for options in [
            within(0),
            within(-1),
            long(),
            WaitOptions::new(Deadline::NEVER),
        ] {
            let mut asked = 0;
            queue.wait(options, || {
                asked += 1;
                true
            })?;
            check_eq!(asked, 1);
        }
        Ok(())
    }

    #[test]
    fn wait_is_over_when_its_time_is() -> Result {
        let queue = new()?;
        for ms in [1, 50] {
            let kinds: [fn(WaitOptions) -> WaitOptions; 4] = [
                |options| options,
                WaitOptions::killable,
                WaitOptions::interruptible,
                WaitOptions::idle,
            ];
            for kind in kinds {
                let start = Instant::<Monotonic>::now();
                let (result, asked) = in_vain(&queue, kind(within(ms)));
                check_err!(result, ETIMEDOUT);
                // First, and once more when the time was up.
                check!(asked >= 2);
                check!(start.elapsed().as_nanos() >= Delta::from_millis(ms).as_nanos());
            }
        }
        for ms in [0, -1, i64::MIN / 1_000_000] {
            check_err!(in_vain(&queue, within(ms)).0, ETIMEDOUT);
        }
        Ok(())
    }

    #[test]
    fn condition_is_asked_once_more_when_the_time_is_up() -> Result {
        let queue = new()?;
        let start = Instant::<Monotonic>::now();
        queue.wait(within(50), || {
            start.elapsed().as_nanos() >= Delta::from_millis(50).as_nanos()
        })
    }

    #[test]
    fn several_waits_may_have_one_deadline() -> Result {
        let queue = new()?;
        let options = within(50);
        check_err!(in_vain(&queue, options).0, ETIMEDOUT);
        let (result, asked) = in_vain(&queue, options);
        check_err!(result, ETIMEDOUT);
        check!(asked <= 2, "there was time left");
        // It still finds what holds.
        queue.wait(options, || true)
    }

    #[test]
    fn wake_up_from_a_hard_interrupt_ends_the_wait() -> Result {
        let queue = new()?;
        let (holds, irqs) = (Atomic::new(0), Atomic::new(0));
        let irq = || {
            irqs.add(1, Relaxed);
            // The first ones are for something else.
            if irqs.load(Relaxed) >= 5 {
                holds.store(1, Relaxed);
            }
            queue.wake_all();
        };
        let mut asked = 0;
        let start = Instant::<Monotonic>::now();
        let result = context::interrupted(2_000_000, irq, || {
            queue.wait(long(), || {
                asked += 1;
                holds.load(Relaxed) == 1
            })
        })?;
        result?;
        check!(start.elapsed().as_nanos() < LONG.as_nanos());
        check!(asked >= 2);
        check!(irqs.load(Relaxed) >= 5);
        Ok(())
    }

    #[test]
    fn wake_up_for_nothing_does_not_end_the_wait() -> Result {
        let queue = new()?;
        let (result, asked) = context::interrupted(
            1_000_000,
            || queue.wake_all(),
            || in_vain(&queue, within(50)),
        )?;
        check_err!(result, ETIMEDOUT);
        check!(asked >= 2);
        Ok(())
    }

    #[test]
    fn wake_up_between_question_and_sleep_is_not_lost() -> Result {
        let queue = new()?;
        for at in 1..4 {
            let (mut asked, mut holds) = (0, false);
            let start = Instant::<Monotonic>::now();
            queue.wait(long(), || {
                let answer = holds;
                asked += 1;
                // As if an interrupt came just after the question.
                holds |= asked == at;
                if asked <= at {
                    queue.wake_all();
                }
                answer
            })?;
            check_eq!(asked, at + 1);
            check!(start.elapsed().as_nanos() < LONG.as_nanos());
        }
        Ok(())
    }

    #[test]
    fn wake_up_from_another_thread_ends_the_wait() -> Result {
        let workers = Workers::new()?;
        for _ in 0..20 {
            let shared = Shared::new()?;
            workers.start(Waker::new(shared.clone())?)?;
            let start = Instant::<Monotonic>::now();
            let options = long().interruptible();
            shared
                .queue
                .wait(options, || shared.go.load(Relaxed) == 1)?;
            check!(start.elapsed().as_nanos() < LONG.as_nanos());
        }
        Ok(())
    }

    #[test]
    fn threads_may_wait_for_different_things_on_one_queue() -> Result {
        let workers = Workers::new()?;
        let shared = Shared::new()?;
        for bit in 0..4 {
            Waiter::start(&workers, &shared, bit)?;
        }
        check!(wait_until(|| shared.waiting.load(Relaxed) == 4));
        for (done, bit) in [2, 0, 3, 1].into_iter().enumerate() {
            check_eq!(shared.done.load(Relaxed), done as u32);
            let go = shared.go.load(Relaxed) | 1 << bit;
            shared.go.store(go, Relaxed);
            shared.queue.wake_all();
            check!(wait_until(|| shared.done.load(Relaxed) == done as u32 + 1));
        }
        Ok(())
    }

    #[test]
    fn end_ends_all_waits_and_later_ones() -> Result {
        let workers = Workers::new()?;
        let shared = Shared::new()?;
        for bit in 0..3 {
            Waiter::start(&workers, &shared, bit)?;
        }
        check!(wait_until(|| shared.waiting.load(Relaxed) == 3));
        context::hard_irq(|| shared.queue.end())?;
        check!(wait_until(|| shared.ended.load(Relaxed) == 3));
        check_err!(in_vain(&shared.queue, long()).0, ENODEV);
        check_err!(shared.queue.wait(long(), || true), ENODEV);
        check_eq!(shared.done.load(Relaxed), 0);
        Ok(())
    }

    #[test]
    fn what_an_attempt_returns_ends_the_wait_and_is_returned() -> Result {
        let queue = new()?;
        let mut left = KVec::from_elem(7u32, 1, GFP_KERNEL)?;
        let mut asked = 0;
        let found = queue.wait_some(long(), || {
            asked += 1;
            queue.wake_all();
            (asked > 2).then(|| left.pop()).flatten()
        })?;
        check_eq!((found, asked, left.len()), (7, 3, 0));
        // At once, and in no time.
        check_eq!(queue.wait_some(within(0), || Some(asked))?, 3);
        Ok(())
    }

    #[test]
    fn attempt_may_return_the_guard_of_a_lock() -> Result {
        let shared = Shared::new()?;
        let workers = Workers::new()?;
        let room = KBox::pin_init(new_spinlock!(0u32, "dma_map_kunit::room"), GFP_KERNEL)?;
        workers.start(Waker::new(shared.clone())?)?;
        let mut guard = shared.queue.wait_some(long(), || {
            let guard = room.lock();
            (shared.go.load(Relaxed) == 1).then_some(guard)
        })?;
        *guard += 1;
        check_eq!(*guard, 1);
        Ok(())
    }

    #[test]
    fn attempt_that_fails_ends_as_a_condition_does() -> Result {
        let queue = new()?;
        check_err!(queue.wait_some(within(1), || None::<()>), ETIMEDOUT);
        queue.end();
        let mut asked = 0;
        let result = queue.wait_some(long(), || {
            asked += 1;
            Some(())
        });
        check_err!(result, ENODEV);
        check_eq!(asked, 0);
        Ok(())
    }

    #[test]
    fn device_without_interrupts_is_asked_every_so_often() -> Result {
        let queue = new()?;
        let mut asked = 0;
        let options = long().poll(Delta::from_millis(1));
        let start = Instant::<Monotonic>::now();
        queue.wait(options, || {
            asked += 1;
            asked == 6
        })?;
        check!(start.elapsed().as_nanos() < LONG.as_nanos());
        let (result, asked) = in_vain(&queue, within(30).poll(Delta::from_millis(1)));
        check_err!(result, ETIMEDOUT);
        check!(asked > 2);
        Ok(())
    }

    #[test]
    fn signals_end_the_waits_that_let_them() -> Result {
        // The numbers are those of C.
        const USR1: c_int = bindings::SIGUSR1 as c_int;
        const KILL: c_int = bindings::SIGKILL as c_int;
        let queue = new()?;
        let vain = |options: WaitOptions| in_vain(&queue, options).0;

        check_err!(
            signalled(USR1, || vain(long().interruptible())),
            ERESTARTSYS
        );
        check_err!(
            signalled(KILL, || vain(long().interruptible())),
            ERESTARTSYS
        );
        check_err!(signalled(KILL, || vain(long().killable())), ERESTARTSYS);
        check_err!(signalled(USR1, || vain(within(20).killable())), ETIMEDOUT);
        for signal in [USR1, KILL] {
            check_err!(signalled(signal, || vain(within(20))), ETIMEDOUT);
            check_err!(signalled(signal, || vain(within(20).idle())), ETIMEDOUT);
            // What holds is not given up for a signal.
            signalled(signal, || queue.wait(long().interruptible(), || true))?;
        }
        Ok(())
    }
}
