// SPDX-License-Identifier: GPL-2.0

//! [`turn`]: who comes while somebody else is at it, does not wait.

use crate::{
    check::*,
    nvme::driver::protocol::turn::Turn,
    workers::{
        wait_until,
        Workers, //
    }, //
};
use kernel::{
    impl_has_work,
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
        delay::fsleep,
        Delta, //
    },
    workqueue::{
        Work,
        WorkItem, //
    }, //
};

/// A thread that is at it for a while.
#[pin_data]
struct Thread {
    #[pin]
    work: Work<Thread>,
    turn: Turn,
    is_at_it: Atomic<bool>,
    may_go: Atomic<bool>,
}

impl_has_work! {
    impl HasWork<Self> for Thread { self.work }
}

impl Thread {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                work <- new_work!("dma_map_kunit::turn"),
                turn: Turn::new(),
                is_at_it: Atomic::new(false),
                may_go: Atomic::new(false),
            }),
            GFP_KERNEL,
        )
    }
}

impl WorkItem for Thread {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        this.turn.run(|| {
            this.is_at_it.store(true, Relaxed);
            wait_until(|| this.may_go.load(Relaxed));
            // Whoever does not wait finds it still there.
            fsleep(Delta::from_millis(50));
            this.is_at_it.store(false, Relaxed);
        });
    }
}

#[kunit_tests(dma_map_nvme_turn)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_taken_once_each_time() -> Result {
        let turn = Turn::new();
        for _ in 0..3 {
            let mut count = 0;
            turn.run(|| count += 1);
            check_eq!(count, 1);
        }
        Ok(())
    }

    /// As an interrupt handler on the CPU that is at it.
    #[test]
    fn who_comes_meanwhile_is_not_forgotten() -> Result {
        let turn = Turn::new();
        for comes in 0..4 {
            let (mut outer, mut inner) = (0, 0);
            turn.run(|| {
                outer += 1;
                if outer <= comes {
                    // Twice at a time count once.
                    turn.run(|| inner += 1);
                    turn.run(|| inner += 1);
                }
            });
            check_eq!(inner, 0);
            check_eq!(outer, comes + 1);
        }
        let mut count = 0;
        turn.run(|| count += 1);
        check_eq!(count, 1);
        Ok(())
    }

    /// As a handler whose interrupt comes late.
    #[test]
    fn who_is_alone_is_not_disturbed() -> Result {
        let turn = Turn::new();
        for comes in 0..3 {
            let (mut alone, mut inner, mut missed) = (0, 0, 0);
            turn.alone(
                || {
                    alone += 1;
                    for _ in 0..comes {
                        turn.run(|| inner += 1);
                    }
                },
                || missed += 1,
            );
            check_eq!((alone, inner), (1, 0));
            // Several at a time count once.
            check_eq!(missed, comes.min(1));
        }
        let mut count = 0;
        turn.run(|| count += 1);
        check_eq!(count, 1);
        Ok(())
    }

    #[test]
    fn who_wants_to_be_alone_waits() -> Result {
        let threads = Workers::new()?;
        let thread = Thread::new()?;
        threads.start(thread.clone())?;
        check!(wait_until(|| thread.is_at_it.load(Relaxed)));
        let (mut was_at_it, mut missed) = (true, 0);
        thread.may_go.store(true, Relaxed);
        thread
            .turn
            .alone(|| was_at_it = thread.is_at_it.load(Relaxed), || missed += 1);
        check!(!was_at_it);
        check_eq!(missed, 0);
        Ok(())
    }
}
