// SPDX-License-Identifier: GPL-2.0

//! Transitions of a single mapping: `complete`, `cancel`, `give` and `unmap`.
//!
//! The calls of the engine, and what a busy device does to a transition.

use super::*;
use crate::{
    context,
    device_side,
    engines::{
        Idle,
        Scripted, //
    },
    fixture::*, //
};
use dma_map::{
    Bidirectional,
    Busy,
    DmaDevice,
    ToDevice, //
};
use kernel::sync::Arc;

const LEN: usize = 9000;

type Given<'b, 'e> = DmaMapping<'b, KVec<u8>, Bidirectional, Device<&'e Scripted>>;

/// Maps a buffer that holds the pattern 1.
fn given<'b, 'e>(dma: DmaDevice<'b>, engine: &'e Scripted) -> Result<Given<'b, 'e>> {
    let buffer = KVec::sample(LEN, 1)?;
    Ok(DmaMapping::map(dma, buffer, Bidirectional, engine, PLAIN)?)
}

fn fill(mapping: &Given<'_, '_>, seed: u8) -> Result {
    device_side::fill_at(mapping.device(), mapping.dma_address(), LEN, seed)
}

/// The handle out of a refusal.
fn busy<T, H>(result: Result<T, Busy<H>>) -> Result<H> {
    match result {
        Ok(_) => {
            check!(false, "a busy device gave its memory back");
            Err(EINVAL)
        }
        Err(Busy(handle)) => Ok(handle),
    }
}

#[kunit_tests(dma_map_mapping_transitions)]
mod tests {
    use super::*;

    #[test]
    fn busy_device_keeps_the_mapping() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let engine = Scripted::busy();
            let mapping = given(dma, &engine)?;
            let address = mapping.dma_address();
            let mapping = busy(mapping.complete())?;
            let mapping = busy(mapping.unmap())?;
            check_eq!((mapping.dma_address(), mapping.size()), (address, LEN));
            check_eq!(engine.stopped(), 0);

            // It is the device's still: what it writes arrives in the end.
            fill(&mapping, 2)?;
            engine.finish();
            check!(mapping.unmap()?.holds(2));
            check_eq!(engine.stopped(), 0);
            Ok(())
        })
    }

    #[test]
    fn cancel_stops_a_busy_device_and_syncs() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let engine = Scripted::busy();
            let mapping = given(dma, &engine)?;
            fill(&mapping, 2)?;
            let mapping = mapping.cancel()?;
            check_eq!(engine.stopped(), 1);
            check!(holds(mapping.contents(), 2), "cancel() did not sync");
            check!(mapping.unmap().holds(2));
            Ok(())
        })
    }

    #[test]
    fn cancel_of_a_stuck_device_gives_the_mapping_back() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let engine = Scripted::stuck();
            let mapping = given(dma, &engine)?;
            let mapping = busy(mapping.cancel())?;
            let mapping = busy(mapping.cancel())?;
            check_eq!((engine.stopped(), dma.quarantined()), (2, 0));
            engine.finish();
            check!(mapping.cancel()?.unmap().holds(1));
            check_eq!(engine.stopped(), 2);
            Ok(())
        })
    }

    #[test]
    fn idle_device_is_asked_and_not_stopped() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let engine = Scripted::idle();
            let mapping = given(dma, &engine)?;
            check_eq!(engine.asked(), 0);
            let mapping = mapping.complete()?.give(&engine);
            check_eq!(engine.asked(), 1);
            let mapping = mapping.cancel()?.give(&engine);
            check_eq!(engine.asked(), 2);
            let mapping = mapping.complete_range(5..6)?.give(&engine);
            check_eq!(engine.asked(), 3);
            mapping.unmap()?;
            check_eq!((engine.asked(), engine.stopped()), (4, 0));
            Ok(())
        })
    }

    #[test]
    fn cpu_state_asks_nobody() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let engine = Scripted::idle();
            let mapping = given(dma, &engine)?.complete()?;
            engine.start();
            check_eq!(mapping.size(), LEN);
            check!(core::ptr::eq(mapping.device().device(), probe.device()));
            check!(mapping.unmap().holds(1));
            engine.finish();
            drop(given(dma, &engine)?.complete()?);
            check_eq!((engine.asked(), engine.stopped()), (2, 0));
            Ok(())
        })
    }

    #[test]
    fn engine_may_change_from_turn_to_turn() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let (first, second) = (Scripted::idle(), Scripted::busy());
            let mapping = given(dma, &first)?.complete()?.give(&second);
            let mapping = busy(mapping.complete())?;
            check_eq!(first.asked(), 1);
            second.finish();
            let mapping = mapping.complete()?.give(Idle);
            check!(mapping.unmap()?.holds(1));
            Ok(())
        })
    }

    #[test]
    fn engine_is_dropped_with_the_turn() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let engine = Arc::new(Scripted::idle(), GFP_KERNEL)?;
            let map = || -> Result<_> {
                let buffer = KVec::<u8>::sample(100, 1)?;
                let engine = engine.clone();
                Ok(DmaMapping::map(dma, buffer, ToDevice, engine, PLAIN)?)
            };
            let complete = map()?.complete()?;
            let cancelled = map()?.cancel()?;
            let part = map()?.complete_range(0..1)?;
            map()?.unmap()?;
            drop(map()?);
            let nothing = KVec::<u8>::new();
            let failed = DmaMapping::map(dma, nothing, ToDevice, engine.clone(), PLAIN);
            check_err!(failed.map(|_| ()), EINVAL);

            check!(Arc::into_unique_or_drop(engine).is_some());
            drop((complete, cancelled, part));
            Ok(())
        })
    }

    #[test]
    fn transitions_work_in_atomic_context() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let engine = Scripted::busy();
            let rounds = |mapping: Given<'_, '_>| -> Result<bool> {
                engine.start();
                fill(&mapping, 2)?;
                let mapping = busy(mapping.complete())?;
                let mapping = mapping.cancel()?.give(&engine);
                let mapping = mapping.complete()?;
                Ok(holds(mapping.contents(), 2))
            };

            let mapping = given(dma, &engine)?;
            check!(context::spinlocked(|| rounds(mapping))?);
            let mapping = given(dma, &engine)?;
            let (same, were_off) = context::irqs_off(|| rounds(mapping));
            check!(were_off && same?);
            let mapping = given(dma, &engine)?;
            check!(context::hard_irq(|| rounds(mapping))??);
            Ok(())
        })
    }
}
