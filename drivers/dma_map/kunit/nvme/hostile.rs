// SPDX-License-Identifier: GPL-2.0

//! [`Exchange`] with a controller that lies: no lie is taken for a completion, and the memory of the
//! command stays the controller's.

use super::script::{
    Act::{
        self,
        *, //
    },
    Held,
    Script,
    ENTRIES,
    QUEUE, //
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

/// Runs `before`, then `acts` of the exchange that fails by `error`. Its memory stays out until the
/// controller is reset; after that the queue works.
fn refused(dma: DmaDevice<'_>, before: &[&[Act]], acts: &[Act], error: Error) -> Result {
    let mut exchange = Exchange::new(dma, QUEUE, ENTRIES, Idle)?;
    let ledger = Ledger::new();
    let script = Script::of(dma, &exchange);
    for acts in before {
        script.run(&mut exchange, &ledger, acts)?;
    }

    let held = DmaCoherent::<u32>::zeroed(dma, Gfp::Kernel)?.give(Held::by_next(&ledger));
    check_err!(script.run(&mut exchange, &ledger, acts), error);
    check!(exchange.has_failed());
    let held = refused_memory(held.complete())?;

    // Nothing is sent before the reset, so no late answer can be taken for that of another command.
    check_err!(script.run(&mut exchange, &ledger, &[Complete]), EIO);
    let held = refused_memory(held.complete())?;

    script.reset();
    ledger.end();
    exchange.reset()?;
    held.complete()?;
    for _ in 0..2 * ENTRIES {
        script.run(&mut exchange, &ledger, &[Complete])?;
    }
    Ok(())
}

/// Returns the memory that is still the controller's.
fn refused_memory<T, H>(result: Result<T, dma_map::Busy<H>>) -> Result<H> {
    crate::check::refused(result)
}

/// Numbers of exchanges that go well before, so that the lie is at each entry, in both phases.
const ROUNDS: usize = 2 * ENTRIES as usize + 1;

/// Checks an act at each entry of the ring.
fn refused_everywhere(acts: &[Act], error: Error) -> Result {
    each_dma(ALL, |dma| {
        let honest: [&[Act]; ROUNDS] = [&[Complete]; ROUNDS];
        for before in 0..ROUNDS {
            refused(dma, &honest[..before], acts, error)?;
        }
        Ok(())
    })
}

#[kunit_tests(dma_map_nvme_hostile)]
mod tests {
    use super::*;

    #[test]
    fn no_answer_is_etimedout() -> Result {
        refused_everywhere(&[Rest, Rest], ETIMEDOUT)
    }

    #[test]
    fn an_answer_to_another_command_is_refused() -> Result {
        for more in [1, u16::MAX, 0x8000, ENTRIES] {
            refused_everywhere(&[WrongId(more)], EBADMSG)?;
        }
        Ok(())
    }

    #[test]
    fn an_old_phase_is_no_answer() -> Result {
        refused_everywhere(&[WrongPhase, Rest], ETIMEDOUT)
    }

    #[test]
    fn an_answer_of_another_queue_is_refused() -> Result {
        refused_everywhere(&[WrongQueue], EBADMSG)
    }

    #[test]
    fn a_wild_head_is_refused() -> Result {
        for more in [1, 2, ENTRIES, 0x7000, 0xff00] {
            refused_everywhere(&[WildHead(more)], EBADMSG)?;
        }
        Ok(())
    }

    /// The ring would fill up, one command after the other.
    #[test]
    fn an_answer_to_a_command_that_was_not_read_is_refused() -> Result {
        refused_everywhere(&[OldHead], EBADMSG)
    }

    #[test]
    fn an_answer_that_comes_twice_is_refused_at_the_next_command() -> Result {
        each_dma(ALL, |dma| {
            refused(dma, &[&[Twice]], &[Complete], EBADMSG)?;
            refused(dma, &[&[Complete], &[Twice]], &[Complete], EBADMSG)?;
            refused(
                dma,
                &[&[Complete], &[Complete], &[Complete], &[Twice]],
                &[],
                EBADMSG,
            )
        })
    }

    /// The identifier of the next command is another one, also after a reset.
    #[test]
    fn a_late_answer_is_refused_after_a_reset() -> Result {
        each_dma(ALL, |dma| {
            let mut exchange = Exchange::new(dma, QUEUE, ENTRIES, Idle)?;
            let ledger = Ledger::new();
            let script = Script::of(dma, &exchange);
            check_err!(script.run(&mut exchange, &ledger, &[Keep]), ETIMEDOUT);
            script.reset();
            ledger.end();
            exchange.reset()?;

            let held = DmaCoherent::<u32>::zeroed(dma, Gfp::Kernel)?.give(Held::by_next(&ledger));
            check_err!(script.run(&mut exchange, &ledger, &[Late]), EBADMSG);
            let held = crate::check::refused(held.complete())?;
            // The drop stops the controller.
            drop(held);
            check!(!ledger.has(ledger.next() - 1));
            Ok(())
        })
    }
}
