// SPDX-License-Identifier: GPL-2.0

//! [`WorkQueue`]: that the drop waits, and that work can be put on it anywhere.

use crate::{
    check::*,
    context,
    faults, //
};
use dma_map::workqueue::WorkQueue;
use kernel::{
    impl_has_work, new_work,
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
    },
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

#[kunit_tests(dma_map_workqueue)]
mod tests {
    use super::*;

    #[test]
    fn drop_waits_for_what_was_enqueued() -> Result {
        let queue = WorkQueue::new(c"dma_map_kunit")?;
        let (a, b) = (Slow::new()?, Slow::new()?);
        check!(queue.enqueue(a.clone()).is_ok());
        check!(queue.enqueue(b.clone()).is_ok());
        drop(queue);
        check_eq!((a.done.load(Relaxed), b.done.load(Relaxed)), (1, 1));
        // The queue has no reference left either.
        check!(Arc::into_unique_or_drop(a).is_some());
        Ok(())
    }

    #[test]
    fn empty_queue_can_be_dropped() -> Result {
        WorkQueue::new(c"dma_map_kunit").map(drop)
    }

    #[test]
    fn queue_without_memory_is_enomem() -> Result {
        faults::each_is_enomem(|| WorkQueue::new(c"dma_map_kunit"))
    }

    #[test]
    fn name_is_text_and_no_format() -> Result {
        WorkQueue::new(c"dma_map %s %d %n").map(drop)
    }

    #[test]
    fn work_that_is_enqueued_already_comes_back() -> Result {
        let queue = WorkQueue::new(c"dma_map_kunit")?;
        let work = Slow::new()?;
        // Each round takes the work 20 ms, and enqueueing a few: some find it on the queue.
        let mut refused = 0;
        for _ in 0..100 {
            if let Err(back) = queue.enqueue(work.clone()) {
                check!(Arc::ptr_eq(&back, &work));
                refused += 1;
            }
        }
        check!(refused > 0);
        drop(queue);
        let done = work.done.load(Relaxed);
        check!((1..=100 - refused).contains(&done), "{done} runs");
        Ok(())
    }

    #[test]
    fn work_is_enqueued_in_atomic_context() -> Result {
        let queue = WorkQueue::new(c"dma_map_kunit")?;
        let work = [Slow::new()?, Slow::new()?, Slow::new()?];
        check!(context::spinlocked(|| queue
            .enqueue(work[0].clone())
            .is_ok()));
        check!(context::irqs_off(|| queue.enqueue(work[1].clone()).is_ok()).0);
        check!(context::hard_irq(|| queue
            .enqueue(work[2].clone())
            .is_ok())?);
        drop(queue);
        check!(work.iter().all(|work| work.done.load(Relaxed) == 1));
        Ok(())
    }
}
