// SPDX-License-Identifier: GPL-2.0

//! [`Gate`]: who gets in and when, what unbind does, and what is left when a gate cannot be built.

use crate::{
    check::*,
    context,
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    gate::{
        Gate,
        Guarded, //
    },
    state::Shared,
    workqueue::WorkQueue,
    DmaCoherent,
    DmaDevice,
    DmaLimits,
    Gfp, //
};
use kernel::{
    dma::DmaMask,
    impl_has_work,
    io::Io,
    new_work,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Completion, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    types::ForLt,
    workqueue::{
        Work,
        WorkItem, //
    },
};

const ALL: DmaLimits = DmaLimits::new(DmaMask::new::<64>());

/// What happened to what a gate keeps.
#[pin_data]
struct Log {
    shutdowns: Atomic<u32>,
    drops: Atomic<u32>,
    inside: Atomic<u32>,
    inside_at_drop: Atomic<u32>,
    #[pin]
    leave: Completion,
}

impl Log {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                shutdowns: Atomic::new(0),
                drops: Atomic::new(0),
                inside: Atomic::new(0),
                inside_at_drop: Atomic::new(0),
                leave <- Completion::new(),
            }),
            GFP_KERNEL,
        )
    }

    /// How often the content was shut down and dropped.
    fn ends(&self) -> (u32, u32) {
        (self.shutdowns.load(Relaxed), self.drops.load(Relaxed))
    }
}

/// What a gate keeps.
struct Kept<'x> {
    memory: DmaCoherent<'x, u32, Shared<Idle>>,
    log: Arc<Log>,
}

impl<'x> Kept<'x> {
    fn new(dma: DmaDevice<'x>, log: &Arc<Log>) -> Result<Pin<KBox<Self>>> {
        let kept = Self {
            memory: DmaCoherent::new(dma, 1, Gfp::Kernel)?.share(Idle),
            log: log.clone(),
        };
        Ok(KBox::pin(kept, GFP_KERNEL)?)
    }
}

impl Guarded for Kept<'_> {
    fn shutdown(&self) {
        self.log.shutdowns.add(1, Relaxed);
        self.log.leave.complete_all();
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        let inside = self.log.inside.load(Relaxed);
        self.log.inside_at_drop.store(inside, Relaxed);
        self.log.drops.add(1, Relaxed);
    }
}

type Keeper = ForLt!(Kept<'_>);

/// Binds the device and makes a gate.
fn bind(dev: &TestDevice, log: &Arc<Log>) -> Result<Arc<Gate<Keeper>>> {
    let mut gate = None;
    dev.bind(|probe| {
        gate = Some(probe.gate::<Keeper>(ALL, |dma| Kept::new(dma, log))?);
        Ok(())
    })?;
    gate.ok_or(EINVAL)
}

/// Adds 1 to what the gate keeps.
fn visit(gate: &Gate<Keeper>) -> Option<u32> {
    let guard = gate.enter()?;
    Some(guard.with(|kept| {
        let value = kept.memory.view().read_val();
        kept.memory.view().write_val(value + 1);
        value
    }))
}

/// Someone who is inside until asked to leave.
#[pin_data]
struct Visitor {
    #[pin]
    work: Work<Visitor>,
    #[pin]
    entered: Completion,
    gate: Arc<Gate<Keeper>>,
    got_in: Atomic<bool>,
}

impl_has_work! {
    impl HasWork<Self> for Visitor { self.work }
}

impl Visitor {
    fn new(gate: Arc<Gate<Keeper>>) -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                work <- new_work!("dma_map_kunit::Visitor"),
                entered <- Completion::new(),
                gate,
                got_in: Atomic::new(false),
            }),
            GFP_KERNEL,
        )
    }
}

impl WorkItem for Visitor {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        let guard = this.gate.enter();
        if let Some(guard) = &guard {
            guard.with(|kept| kept.log.inside.add(1, Relaxed));
            this.got_in.store(true, Relaxed);
        }
        this.entered.complete_all();
        if let Some(guard) = &guard {
            guard.with(|kept| {
                kept.log.leave.wait_for_completion();
                // Those inside may sleep, and the content is there as long as they are.
                fsleep(Delta::from_millis(20));
                kept.memory.view().write_val(2);
                kept.log.inside.fetch_sub(1, Relaxed);
            });
        }
    }
}

#[kunit_tests(dma_map_gate)]
mod tests {
    use super::*;

    #[test]
    fn those_who_enter_find_what_was_built() -> Result {
        each(|dev| {
            let log = Log::new()?;
            let gate = bind(dev, &log)?;
            check_eq!(visit(&gate), Some(1));
            check_eq!(visit(&gate), Some(2));

            // More than one at a time, and from a context that must not sleep.
            let first = gate.enter();
            check_eq!(visit(&gate), Some(3));
            check_eq!(context::spinlocked(|| visit(&gate)), Some(4));
            check_eq!(context::irqs_off(|| visit(&gate)).0, Some(5));
            drop(first);
            check_eq!(log.ends(), (0, 0));
            Ok(())
        })
    }

    #[test]
    fn unbind_shuts_down_once_and_drops_once() -> Result {
        each(|dev| {
            let log = Log::new()?;
            let gate = bind(dev, &log)?;
            dev.unbind();
            check_eq!(log.ends(), (1, 1));
            dev.unbind();
            drop(gate);
            check_eq!(log.ends(), (1, 1));
            Ok(())
        })
    }

    #[test]
    fn nobody_enters_after_unbind() -> Result {
        each(|dev| {
            let log = Log::new()?;
            let gate = bind(dev, &log)?;
            dev.unbind();
            check!(gate.enter().is_none());
            check_eq!(visit(&gate), None);

            // A new binding has a gate of its own, and does not open the old one.
            let again = bind(dev, &log)?;
            check!(gate.enter().is_none());
            check_eq!(visit(&again), Some(1));
            Ok(())
        })
    }

    #[test]
    fn nobody_is_inside_when_the_content_is_dropped() -> Result {
        let queue = WorkQueue::new(c"dma_map_kunit")?;
        each(|dev| {
            let log = Log::new()?;
            let gate = bind(dev, &log)?;
            let mut all = KVec::new();
            for _ in 0..3 {
                let visitor = Visitor::new(gate.clone())?;
                check!(queue.enqueue(visitor.clone()).is_ok());
                all.push(visitor, GFP_KERNEL)?;
            }
            for visitor in &all {
                visitor.entered.wait_for_completion();
                check!(visitor.got_in.load(Relaxed));
            }
            check_eq!(log.inside.load(Relaxed), 3);

            dev.unbind();
            check_eq!(log.ends(), (1, 1));
            check_eq!(log.inside_at_drop.load(Relaxed), 0);

            let late = Visitor::new(gate)?;
            check!(queue.enqueue(late.clone()).is_ok());
            late.entered.wait_for_completion();
            check!(!late.got_in.load(Relaxed));
            Ok(())
        })
    }

    #[test]
    fn gate_that_nobody_keeps_ends_with_the_binding() -> Result {
        each(|dev| {
            let log = Log::new()?;
            drop(bind(dev, &log)?);
            check_eq!(log.ends(), (0, 0));
            dev.unbind();
            check_eq!(log.ends(), (1, 1));
            Ok(())
        })
    }

    #[test]
    fn leaked_gate_does_no_harm() -> Result {
        each(|dev| {
            let log = Log::new()?;
            core::mem::forget(bind(dev, &log)?);
            dev.unbind();
            check_eq!(log.ends(), (1, 1));
            bind(dev, &log).map(|_| ())
        })
    }

    #[test]
    fn content_is_dropped_after_the_drivers_data() -> Result {
        /// Looks at the log when it is dropped.
        struct Last(Arc<Log>, Arc<Atomic<u32>>);
        impl Drop for Last {
            fn drop(&mut self) {
                self.1.store(1 + self.0.drops.load(Relaxed), Relaxed);
            }
        }

        each(|dev| {
            let log = Log::new()?;
            let seen = Arc::new(Atomic::new(0), GFP_KERNEL)?;
            dev.bind(|probe| {
                probe.gate::<Keeper>(ALL, |dma| Kept::new(dma, &log))?;
                probe.keep(Last(log.clone(), seen.clone()))
            })?;
            dev.unbind();
            check_eq!(seen.load(Relaxed), 1);
            check_eq!(log.ends(), (1, 1));
            Ok(())
        })
    }

    #[test]
    fn content_ends_when_probe_fails() -> Result {
        each(|dev| {
            let log = Log::new()?;
            let mut gate = None;
            dev.bind(|probe| {
                gate = Some(probe.gate::<Keeper>(ALL, |dma| Kept::new(dma, &log))?);
                probe.fail_probe();
                Ok(())
            })?;
            check_eq!(log.ends(), (1, 1));
            check!(gate.is_some_and(|gate| gate.enter().is_none()));
            Ok(())
        })
    }

    #[test]
    fn after_a_failed_build_limits_can_be_set_again() -> Result {
        each_probe(|probe| {
            let log = Log::new()?;
            for _ in 0..3 {
                check_err!(probe.gate::<Keeper>(ALL, |_| Err(EDOM)).map(|_| ()), EDOM);
                let late = probe.gate::<Keeper>(ALL.max_segment_size(512), |dma| {
                    check_eq!(dma.max_segment_size(), 512);
                    drop(Kept::new(dma, &log)?);
                    Err(EDOM)
                });
                check_err!(late.map(|_| ()), EDOM);
            }
            // What was built was dropped, and never shut down: it was not behind a gate yet.
            check_eq!(log.ends(), (0, 3));

            let dma = probe.dma(ALL)?;
            check!(dma.max_segment_size() != 512);
            Ok(())
        })
    }

    #[test]
    fn failed_build_leaves_nothing_put_off() -> Result {
        each(|dev| {
            dev.bind(|probe| {
                let failed = probe.gate::<Keeper>(ALL, |dma| {
                    for _ in 0..200 {
                        let memory = DmaCoherent::<u32>::zeroed(dma, Gfp::Kernel)?;
                        context::irqs_off(|| drop(memory));
                    }
                    Err(EDOM)
                });
                check_err!(failed.map(|_| ()), EDOM);
                probe.fail_probe();
                Ok(())
            })
        })
    }

    #[test]
    fn one_set_up_per_binding_with_gates_too() -> Result {
        each(|dev| {
            let log = Log::new()?;
            dev.bind(|probe| {
                let gate = probe.gate::<Keeper>(ALL, |dma| Kept::new(dma, &log))?;
                let second = probe.gate::<Keeper>(ALL, |dma| Kept::new(dma, &log));
                check_err!(second.map(|_| ()), EBUSY);
                check_err!(probe.dma(ALL), EBUSY);
                check_eq!(visit(&gate), Some(1));
                Ok(())
            })?;
            dev.unbind();
            check_eq!(log.ends(), (1, 1));

            dev.bind(|probe| {
                probe.dma(ALL)?;
                let second = probe.gate::<Keeper>(ALL, |dma| Kept::new(dma, &log));
                check_err!(second.map(|_| ()), EBUSY);
                check_err!(probe.dma(ALL), EBUSY);
                Ok(())
            })
        })
    }

    #[test]
    fn limits_are_checked_before_anything_is_built() -> Result {
        each_probe(|probe| {
            let mut built = false;
            let failed = probe.gate::<Keeper>(ALL.max_segment_size(0), |_| {
                built = true;
                Err(EDOM)
            });
            check_err!(failed.map(|_| ()), EINVAL);
            check!(!built);
            probe.dma(ALL).map(|_| ())
        })
    }
}
