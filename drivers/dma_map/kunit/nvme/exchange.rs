// SPDX-License-Identifier: GPL-2.0

//! [`Exchange`] with a controller that does what it should.

use super::script::{
    Act::*,
    Held,
    Script,
    ENTRIES,
    QUEUE,
    RESULT, //
};
use crate::{
    check::*,
    engines::Idle,
    fixture::*,
    nvme::driver::protocol::{
        exchange::Exchange,
        ledger::Ledger, //
    }, //
};
use dma_map::{
    DmaCoherent,
    DmaDevice,
    Gfp, //
};
use kernel::prelude::*;

fn new(dma: DmaDevice<'_>) -> Result<Exchange<'_, Idle>> {
    Exchange::new(dma, QUEUE, ENTRIES, Idle)
}

#[kunit_tests(dma_map_nvme_exchange)]
mod tests {
    use super::*;

    /// The phase changes each time that the ring is full, and identifiers start anew after 65,535.
    #[test]
    fn commands_are_completed_round_after_round() -> Result {
        each_dma(ALL, |dma| {
            let (mut exchange, ledger) = (new(dma)?, Ledger::new());
            let script = Script::of(dma, &exchange);
            for i in 1..=70_000u32 {
                let acts: &[_] = if i % 3 == 0 {
                    &[Rest, Complete]
                } else {
                    &[Complete]
                };
                let done = script.run(&mut exchange, &ledger, acts)?;
                // CAST: Identifiers have 16 bits, and the last one is left out.
                check_eq!((done.id, done.result), ((i % 0xffff) as u16, RESULT));
                done.status.check()?;
                check_eq!(u32::from(script.head.get()), i % u32::from(ENTRIES));
            }
            check!(!exchange.has_failed());
            Ok(())
        })
    }

    #[test]
    fn a_status_is_the_commands_and_the_queue_goes_on() -> Result {
        each_dma(ALL, |dma| {
            let (mut exchange, ledger) = (new(dma)?, Ledger::new());
            let script = Script::of(dma, &exchange);
            // The code, with its type, and bits that are none of the code's.
            for (number, act, error) in [
                (0x01, &[Fail(0x01)], EINVAL),
                (0x02, &[Fail(0x02)], EINVAL),
                (0x0b, &[Fail(0x0b)], EINVAL),
                (0x4002, &[Fail(0x4002)], EINVAL),
                (0x06, &[Fail(0x06)], EIO),
                (0x80, &[Fail(0x80)], EIO),
                (0x102, &[Fail(0x102)], EIO),
                (0x281, &[Fail(0x281)], EIO),
            ] {
                let held =
                    DmaCoherent::<u32>::zeroed(dma, Gfp::Kernel)?.give(Held::by_next(&ledger));
                let done = script.run(&mut exchange, &ledger, act)?;
                check_eq!(done.status.number(), number);
                check_err!(done.status.check(), error);
                held.complete()?;
            }
            check!(!exchange.has_failed());
            Ok(())
        })
    }

    #[test]
    fn memory_is_the_controllers_as_long_as_it_has_the_command() -> Result {
        each_dma(ALL, |dma| {
            let (mut exchange, ledger) = (new(dma)?, Ledger::new());
            let script = Script::of(dma, &exchange);
            for _ in 0..10 {
                let memory = DmaCoherent::<u32>::zeroed(dma, Gfp::Kernel)?;
                // Not before the command is in the queue.
                let memory = memory.give(Held::by_next(&ledger)).complete()?;
                let held = memory.give(Held::by_next(&ledger));
                script.run(&mut exchange, &ledger, &[Complete])?;
                held.complete()?;
            }
            Ok(())
        })
    }

    #[test]
    fn queues_of_fewer_than_two_entries_are_einval() -> Result {
        each_dma(ALL, |dma| {
            for entries in [0, 1] {
                check_err!(Exchange::new(dma, QUEUE, entries, Idle).map(|_| ()), EINVAL);
            }
            // 4096 commands are 256 KiB, more than an allocation may have.
            check_err!(Exchange::new(dma, QUEUE, 4096, Idle).map(|_| ()), EINVAL);
            Ok(())
        })
    }
}
