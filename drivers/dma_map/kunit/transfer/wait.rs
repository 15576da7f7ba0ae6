// SPDX-License-Identifier: GPL-2.0

//! [`Transfer::wait`]: the engine decides, and an interrupt is a hint.

use super::*;
use crate::{
    context,
    fixture::where_it_is_given_back, //
};
use dma_map::{
    transfer::WaitError,
    wait::{
        Deadline,
        WaitOptions,
        WaitQueue, //
    }, //
};
use kernel::time::Delta;

fn within(ms: i64) -> WaitOptions {
    WaitOptions::new(Deadline::after(Delta::from_millis(ms)))
}

/// Waits within `ms` for a transfer that is not done by then.
fn late<H: dma_map::transfer::Handle>(
    transfer: Transfer<H>,
    queue: &WaitQueue,
    ms: i64,
) -> Result<Transfer<H>> {
    match transfer.wait(queue, within(ms)) {
        Ok(_) => Err(failed(place!(), fmt!("a busy device gave its memory back"))),
        Err(WaitError { error, transfer }) => {
            check_eq!(error, ETIMEDOUT);
            Ok(transfer)
        }
    }
}

#[kunit_tests(dma_map_transfer_wait)]
mod tests {
    use super::*;

    #[test]
    fn transfer_that_is_done_needs_no_wake_up() -> Result {
        let queue = KBox::pin_init(WaitQueue::new(), GFP_KERNEL)?;
        each_dma(ALL, |dma| {
            let engine = Scripted::idle();
            let done = filled(dma, &engine, 1)?.wait(&queue, within(0))?;
            check!(pattern::holds(done.as_slice(), 1, 0), "it was not synced");
            check_eq!((engine.asked(), engine.stopped()), (1, 0));
            Ok(())
        })
    }

    #[test]
    fn interrupt_ends_the_wait_when_the_engine_is_idle() -> Result {
        let queue = KBox::pin_init(WaitQueue::new(), GFP_KERNEL)?;
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let transfer = filled(dma, &engine, 1)?;
            let mut irqs = 0;
            let irq = || {
                irqs += 1;
                if irqs == 3 {
                    engine.finish();
                }
                queue.wake_all();
            };
            let wait = || transfer.wait(&queue, within(60_000));
            let done = context::interrupted(2_000_000, irq, wait)??;
            check!(irqs >= 3);
            check!(pattern::holds(done.as_slice(), 1, 0), "it was not synced");
            check_eq!(engine.stopped(), 0);
            Ok(())
        })
    }

    #[test]
    fn interrupt_of_a_busy_engine_is_no_evidence() -> Result {
        let queue = KBox::pin_init(WaitQueue::new(), GFP_KERNEL)?;
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let transfer = filled(dma, &engine, 1)?;
            let address = first(&transfer)?;
            let wait = || late(transfer, &queue, 30);
            let transfer = context::interrupted(1_000_000, || queue.wake_all(), wait)??;

            // It is the device's still, and it was not stopped.
            check_eq!(first(&transfer)?, address);
            check_eq!(engine.stopped(), 0);
            device_side::fill_pieces(dma, transfer.pieces(), 2)?;
            engine.finish();
            check!(pattern::holds(&transfer.complete()?.unmap(), 2, 0));
            Ok(())
        })
    }

    #[test]
    fn late_transfer_can_be_waited_for_again() -> Result {
        let queue = KBox::pin_init(WaitQueue::new(), GFP_KERNEL)?;
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let transfer = late(filled(dma, &engine, 1)?, &queue, 10)?;
            let transfer = late(transfer, &queue, 0)?;
            engine.finish();
            // Nobody was there to be woken.
            queue.wake_all();
            let done = transfer.wait(&queue, within(0))?;
            check!(pattern::holds(done.as_slice(), 1, 0));
            check_eq!(engine.stopped(), 0);
            Ok(())
        })
    }

    #[test]
    fn late_transfer_that_is_dropped_stops_the_device() -> Result {
        let queue = KBox::pin_init(WaitQueue::new(), GFP_KERNEL)?;
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let give_up = || -> Result {
                filled(dma, &engine, 1)?.wait(&queue, within(10))?;
                Ok(())
            };
            check_err!(give_up(), ETIMEDOUT);
            check_eq!(engine.stopped(), 1);
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }

    #[test]
    fn late_transfer_of_a_stuck_device_keeps_its_memory() -> Result {
        let queue = KBox::pin_init(WaitQueue::new(), GFP_KERNEL)?;
        where_it_is_given_back(|dev| {
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                let stuck = Scripted::stuck();
                let failed = filled(dma, &stuck, 1)?.wait(&queue, within(10));
                check_err!(failed.map(|_| ()).map_err(Error::from), ETIMEDOUT);
                check!(dma.quarantined() >= LEN);
                Ok(())
            })
        })
    }

    #[test]
    fn queue_that_has_ended_gives_the_transfer_back() -> Result {
        each_dma(ALL, |dma| {
            let queue = KBox::pin_init(WaitQueue::new(), GFP_KERNEL)?;
            queue.end();
            let engine = Scripted::idle();
            let failed = filled(dma, &engine, 1)?.wait(&queue, within(60_000));
            let Err(WaitError { error, transfer }) = failed else {
                return Err(failed_to_end());
            };
            check_eq!(error, ENODEV);
            check!(pattern::holds(&transfer.complete()?.unmap(), 1, 0));
            Ok(())
        })
    }

    fn failed_to_end() -> Error {
        failed(place!(), fmt!("the queue has ended"))
    }
}
