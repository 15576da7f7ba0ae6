// SPDX-License-Identifier: GPL-2.0

//! Transitions of a scatter-gather mapping: `complete`, `cancel`, `give` and `unmap`.
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
    FromDevice,
    ToDevice, //
};
use kernel::sync::Arc;

type Given<'b, 'e, B> = SgMapping<'b, B, Bidirectional, Device<&'e Scripted>>;

/// Maps a buffer that holds the pattern 1.
fn given<'b, 'e, B: Sample>(dma: DmaDevice<'b>, engine: &'e Scripted) -> Result<Given<'b, 'e, B>> {
    let buffer = B::sample(9000, 1)?;
    Ok(SgMapping::map(
        dma,
        buffer,
        Bidirectional,
        engine,
        Gfp::Kernel,
    )?)
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

/// What a mapping shows of itself.
fn looks<B: Sample>(mapping: &Given<'_, '_, B>) -> Result<(usize, KVec<Segment>)> {
    let mut segments = KVec::new();
    for segment in mapping.segments() {
        segments.push(segment, GFP_KERNEL)?;
    }
    Ok((mapping.size(), segments))
}

fn stays_with_a_busy_device<B: Sample>(dma: DmaDevice<'_>) -> Result {
    let engine = Scripted::busy();
    let mapping = given::<B>(dma, &engine)?;
    let before = looks(&mapping)?;

    let mapping = busy(mapping.complete())?;
    let mapping = busy(mapping.unmap())?;
    check!(looks(&mapping)? == before, "the mapping has changed");
    check_eq!(engine.stopped(), 0);

    // It is the device's still: what it writes arrives in the end.
    device_side::fill(&mapping, 2)?;
    engine.finish();
    check!(mapping.unmap()?.holds(2));
    check_eq!(engine.stopped(), 0);
    Ok(())
}

fn cancel_stops<B: Sample>(dma: DmaDevice<'_>) -> Result {
    let engine = Scripted::busy();
    let mapping = given::<B>(dma, &engine)?;
    device_side::fill(&mapping, 2)?;
    let mapping = mapping.cancel()?;
    check_eq!(engine.stopped(), 1);
    check!(mapping.buffer().holds(2), "cancel() did not sync");
    check!(mapping.unmap().holds(2));
    Ok(())
}

fn stuck_device_keeps<B: Sample>(dma: DmaDevice<'_>) -> Result {
    let engine = Scripted::stuck();
    let mapping = given::<B>(dma, &engine)?;
    let before = looks(&mapping)?;
    let mapping = busy(mapping.cancel())?;
    let mapping = busy(mapping.cancel())?;
    check_eq!(engine.stopped(), 2);
    check!(looks(&mapping)? == before, "the mapping has changed");
    check_eq!(dma.quarantined(), 0);

    engine.finish();
    check!(mapping.cancel()?.unmap().holds(1));
    check_eq!(engine.stopped(), 2);
    Ok(())
}

#[kunit_tests(dma_map_sg_transitions)]
mod tests {
    use super::*;

    #[test]
    fn busy_device_keeps_the_mapping() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            each_buffer!(stays_with_a_busy_device(dma));
            Ok(())
        })
    }

    #[test]
    fn cancel_stops_a_busy_device_and_syncs() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            each_buffer!(cancel_stops(dma));
            Ok(())
        })
    }

    #[test]
    fn cancel_of_a_stuck_device_gives_the_mapping_back() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            each_buffer!(stuck_device_keeps(dma));
            Ok(())
        })
    }

    #[test]
    fn idle_device_is_asked_and_not_stopped() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let engine = Scripted::idle();
            let mapping = given::<VVec<u8>>(dma, &engine)?;
            check_eq!(engine.asked(), 0);
            let mapping = mapping.complete()?.give(&engine);
            check_eq!(engine.asked(), 1);
            let mapping = mapping.cancel()?.give(&engine);
            check_eq!(engine.asked(), 2);
            mapping.unmap()?;
            check_eq!((engine.asked(), engine.stopped()), (3, 0));
            Ok(())
        })
    }

    #[test]
    fn cpu_state_asks_nobody() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let engine = Scripted::idle();
            let mapping = given::<VVec<u8>>(dma, &engine)?.complete()?;
            engine.start();
            check_eq!(mapping.size(), 9000);
            check!(core::ptr::eq(mapping.device().device(), probe.device()));
            check!(mapping.unmap().holds(1));

            engine.finish();
            drop(given::<VVec<u8>>(dma, &engine)?.complete()?);
            check_eq!((engine.asked(), engine.stopped()), (2, 0));
            Ok(())
        })
    }

    #[test]
    fn engine_may_change_from_turn_to_turn() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let first = Scripted::idle();
            let second = Scripted::busy();
            let mapping = given::<VVec<u8>>(dma, &first)?.complete()?.give(&second);
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
                let buffer = VVec::<u8>::sample(100, 1)?;
                Ok(SgMapping::map(
                    dma,
                    buffer,
                    ToDevice,
                    engine.clone(),
                    Gfp::Kernel,
                )?)
            };
            let complete = map()?.complete()?;
            let cancelled = map()?.cancel()?;
            map()?.unmap()?;
            drop(map()?);
            let failed = SgMapping::map(
                dma,
                KVec::<u8>::new(),
                FromDevice,
                engine.clone(),
                Gfp::Kernel,
            );
            check_err!(failed.map(|_| ()), EINVAL);

            check!(Arc::into_unique_or_drop(engine).is_some());
            drop((complete, cancelled));
            Ok(())
        })
    }

    #[test]
    fn transitions_work_in_atomic_context() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let engine = Scripted::busy();
            let rounds = |mapping: Given<'_, '_, VVec<u8>>| -> Result<bool> {
                engine.start();
                device_side::fill(&mapping, 2)?;
                let mapping = busy(mapping.complete())?;
                let mapping = mapping.cancel()?.give(&engine);
                let same = device_side::finds(&mapping, 2)?;
                let mapping = mapping.complete()?;
                let holds = mapping.buffer().holds(2);
                drop(mapping);
                Ok(same && holds)
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
