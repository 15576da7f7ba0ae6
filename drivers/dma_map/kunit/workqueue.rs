// SPDX-License-Identifier: GPL-2.0

//! [`WorkQueue`]: only unbind waits for it, and work can be enqueued in any context.

use crate::{
    c,
    check::*,
    context,
    faults,
    fixture::*,
    workers::wait_until, //
};
use dma_map::workqueue::WorkQueue;
use kernel::{
    impl_has_work,
    new_mutex,
    new_work,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex, //
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

/// Work that takes its time.
#[pin_data]
struct Slow {
    #[pin]
    work: Work<Slow>,
    done: Atomic<u32>,
}

impl_has_work! {
    impl HasWork<Self> for Slow { self.work }
}

impl Slow {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                work <- new_work!("dma_map_kunit::Slow"),
                done: Atomic::new(0),
            }),
            GFP_KERNEL,
        )
    }
}

impl WorkItem for Slow {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        fsleep(Delta::from_millis(20));
        this.done.add(1, Relaxed);
    }
}

/// Work that keeps its queue.
#[pin_data]
struct Keeper {
    #[pin]
    work: Work<Keeper>,
    #[pin]
    queue: Mutex<Option<Arc<WorkQueue>>>,
    /// What there is to do.
    task: fn(&Arc<Keeper>),
    done: Atomic<u32>,
    refused: Atomic<u32>,
}

impl_has_work! {
    impl HasWork<Self> for Keeper { self.work }
}

impl Keeper {
    fn new(queue: Arc<WorkQueue>, task: fn(&Arc<Keeper>)) -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                work <- new_work!("dma_map_kunit::Keeper"),
                queue <- new_mutex!(Some(queue), "dma_map_kunit::Keeper"),
                task,
                done: Atomic::new(0),
                refused: Atomic::new(0),
            }),
            GFP_KERNEL,
        )
    }

    /// Puts itself on its queue again, if it can.
    fn again(self: &Arc<Self>) {
        let queue = self.queue.lock().clone();

        match queue.map(|queue| queue.enqueue(self.clone())) {
            Some(Ok(_)) => (),
            _ => self.refused.add(1, Relaxed),
        }
    }
}

impl WorkItem for Keeper {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        (this.task)(&this);
        this.done.add(1, Relaxed);
    }
}

/// Binds each device with a queue, runs `job`, and unbinds it, then runs `after`.
fn with_queue<R>(job: impl Fn(Arc<WorkQueue>) -> Result<R>, after: impl Fn(R) -> Result) -> Result {
    each(|dev| {
        let mut left = None;
        dev.bind(|probe| {
            let queue = WorkQueue::new(probe.dma(ALL)?, c"dma_map_kunit")?;
            left = Some(job(queue)?);
            Ok(())
        })?;
        dev.unbind();
        after(left.ok_or(EINVAL)?)
    })
}

#[kunit_tests(dma_map_workqueue)]
mod tests {
    use super::*;

    /// It ends with the binding, as the queue does.
    #[test]
    fn a_queue_has_a_thread_for_when_memory_is_short() -> Result {
        let before = c::rescuers();
        with_queue(
            |_| Ok(c::rescuers()),
            |within| {
                check_eq!(within, before + 1);
                check_eq!(c::rescuers(), before);
                Ok(())
            },
        )
    }

    #[test]
    fn unbind_waits_for_what_was_enqueued() -> Result {
        with_queue(
            |queue| {
                let (a, b) = (Slow::new()?, Slow::new()?);
                check!(matches!(queue.enqueue(a.clone()), Ok(Ok(()))));
                check!(matches!(queue.enqueue(b.clone()), Ok(Ok(()))));
                Ok((a, b))
            },
            |(a, b)| {
                check_eq!((a.done.load(Relaxed), b.done.load(Relaxed)), (1, 1));
                // The queue has no reference left either.
                check!(Arc::into_unique_or_drop(a).is_some());
                Ok(())
            },
        )
    }

    #[test]
    fn queue_that_is_leaked_ends_with_the_binding() -> Result {
        with_queue(
            |queue| {
                let work = Slow::new()?;
                check!(matches!(queue.enqueue(work.clone()), Ok(Ok(()))));
                core::mem::forget(queue);
                Ok(work)
            },
            |work| {
                check_eq!(work.done.load(Relaxed), 1);
                Ok(())
            },
        )
    }

    #[test]
    fn own_work_may_drop_the_last_reference() -> Result {
        with_queue(
            |queue| {
                let work = Keeper::new(queue, |work| drop(work.queue.lock().take()))?;
                let queue = work.queue.lock().clone().ok_or(EINVAL)?;
                check!(matches!(queue.enqueue(work.clone()), Ok(Ok(()))));
                Ok(work)
            },
            |work| {
                check_eq!(work.done.load(Relaxed), 1);
                check!(work.queue.lock().is_none());
                Ok(())
            },
        )
    }

    #[test]
    fn work_that_goes_on_for_ever_ends_with_the_binding() -> Result {
        with_queue(
            |queue| {
                let work = Keeper::new(queue.clone(), Keeper::again)?;
                check!(matches!(queue.enqueue(work.clone()), Ok(Ok(()))));
                check!(wait_until(|| work.done.load(Relaxed) > 1));
                Ok(work)
            },
            |work| {
                check_eq!(work.refused.load(Relaxed), 1);
                // Nothing of it runs any more.
                let done = work.done.load(Relaxed);
                fsleep(Delta::from_millis(20));
                check_eq!(work.done.load(Relaxed), done);
                Ok(())
            },
        )
    }

    #[test]
    fn after_the_binding_work_comes_back() -> Result {
        with_queue(Ok, |queue| {
            let work = Slow::new()?;
            match queue.enqueue(work.clone()) {
                Ok(_) => check!(false, "a queue that has ended takes work"),
                Err(back) => check!(Arc::ptr_eq(&back, &work)),
            }
            check_eq!(work.done.load(Relaxed), 0);
            Ok(())
        })
    }

    #[test]
    fn probe_that_fails_waits_for_its_work() -> Result {
        each(|dev| {
            let work = Slow::new()?;
            dev.bind(|probe| {
                let queue = WorkQueue::new(probe.dma(ALL)?, c"dma_map_kunit")?;
                check!(matches!(queue.enqueue(work.clone()), Ok(Ok(()))));
                probe.fail_probe();
                Ok(())
            })?;
            check_eq!(work.done.load(Relaxed), 1);
            Ok(())
        })
    }

    #[test]
    fn several_queues_end_together() -> Result {
        each(|dev| {
            let mut all = KVec::new();
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                for _ in 0..3 {
                    let (queue, work) = (WorkQueue::new(dma, c"dma_map_kunit")?, Slow::new()?);
                    check!(matches!(queue.enqueue(work.clone()), Ok(Ok(()))));
                    all.push(work, GFP_KERNEL)?;
                }
                Ok(())
            })?;
            dev.unbind();
            check!(all.iter().all(|work| work.done.load(Relaxed) == 1));
            Ok(())
        })
    }

    #[test]
    fn queue_without_memory_is_enomem() -> Result {
        each_dma(ALL, |dma| {
            faults::each_is_enomem(|| WorkQueue::new(dma, c"dma_map_kunit"))
        })
    }

    #[test]
    fn name_is_text_and_no_format() -> Result {
        each_dma(ALL, |dma| {
            WorkQueue::new(dma, c"dma_map %s %d %n").map(drop)
        })
    }

    #[test]
    fn work_that_is_enqueued_already_comes_back() -> Result {
        with_queue(
            |queue| {
                let work = Slow::new()?;
                // Each round takes the work 20 ms, and enqueueing a few: some find it on the queue.
                let mut refused = 0;
                for _ in 0..100 {
                    if let Err(back) = queue.enqueue(work.clone()).map_err(|_| ENODEV)? {
                        check!(Arc::ptr_eq(&back, &work));
                        refused += 1;
                    }
                }
                check!(refused > 0);
                Ok((work, refused))
            },
            |(work, refused)| {
                let done = work.done.load(Relaxed);
                check!((1..=100 - refused).contains(&done), "{done} runs");
                Ok(())
            },
        )
    }

    #[test]
    fn work_is_enqueued_in_atomic_context() -> Result {
        with_queue(
            |queue| {
                let work = [Slow::new()?, Slow::new()?, Slow::new()?];
                let enqueue = |work: &Arc<Slow>| matches!(queue.enqueue(work.clone()), Ok(Ok(())));
                check!(context::spinlocked(|| enqueue(&work[0])));
                check!(context::irqs_off(|| enqueue(&work[1])).0);
                check!(context::hard_irq(|| enqueue(&work[2]))?);
                Ok(work)
            },
            |work| {
                check!(work.iter().all(|work| work.done.load(Relaxed) == 1));
                Ok(())
            },
        )
    }
}
