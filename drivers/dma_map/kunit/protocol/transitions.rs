// SPDX-License-Identifier: GPL-2.0

//! Verbs of a handle: `give`, `complete`, `cancel` and `unmap`.
//!
//! The calls of the engine, what a busy device does to a verb, and what each side finds.

use super::*;
use crate::pattern;

/// What returns to the CPU.
const RETURNING: [&[Kind]; 4] = [MAPPINGS, LINKED, MEMORY, POOLED];

/// What is unmapped while the device has it.
const UNMAPPING: [&[Kind]; 4] = [MAPPINGS, LINKED, ADDRESSES, WINDOWS];

/// What a handle shows of itself.
fn looks(handle: &dyn Subject) -> Result<(usize, KVec<Segment>)> {
    Ok((handle.size(), handle.segments()?))
}

/// Makes a handle the CPU's for good: a buffer, or memory.
fn end(handle: &mut dyn Subject) -> Result {
    match handle.unmap() {
        Err(err) if err == EOPNOTSUPP => handle.complete(),
        result => result,
    }
}

#[kunit_tests(dma_map_protocol_transitions)]
mod tests {
    use super::*;

    #[test]
    fn busy_device_keeps_the_memory() -> Result {
        each_kind(&RETURNING, Scripted::busy, &mut |case| {
            let mut handle = case.make()?;
            let before = looks(&*handle)?;
            check_err!(handle.complete(), EBUSY);
            check!(looks(&*handle)? == before, "the handle has changed");
            check!(case.finds(&*handle, 1)?);
            check_eq!((case.engine.asked(), case.engine.stopped()), (1, 0));

            // It is the device's still: what it writes arrives in the end.
            case.fill(&*handle, 2)?;
            case.engine.finish();
            handle.complete()?;
            check!(handle.holds(2));
            check_eq!(case.engine.stopped(), 0);
            Ok(())
        })
    }

    #[test]
    fn busy_device_keeps_the_mapping() -> Result {
        each_kind(&UNMAPPING, Scripted::busy, &mut |case| {
            let mut handle = case.make()?;
            let before = looks(&*handle)?;
            check_err!(handle.unmap(), EBUSY);
            check!(looks(&*handle)? == before, "the mapping has changed");
            check_eq!((case.engine.asked(), case.engine.stopped()), (1, 0));

            if case.kind.is_memory {
                case.fill(&*handle, 2)?;
            }
            case.engine.finish();
            handle.unmap()?;
            check!(!case.kind.is_memory || handle.holds(2));
            check_eq!((case.engine.stopped(), case.engine.turns()), (0, 0));
            check_eq!(case.dma.quarantined(), 0);
            Ok(())
        })
    }

    #[test]
    fn cancel_stops_a_busy_device_and_syncs() -> Result {
        each_kind(&RETURNING, Scripted::busy, &mut |case| {
            let mut handle = case.make()?;
            case.fill(&*handle, 2)?;
            handle.cancel()?;
            check_eq!(case.engine.stopped(), 1);
            check!(handle.holds(2), "cancel() did not sync");
            match handle.unmap() {
                Err(err) => check_eq!(err, EOPNOTSUPP),
                Ok(()) => check!(handle.holds(2)),
            }
            Ok(())
        })
    }

    #[test]
    fn cancel_of_a_stuck_device_gives_the_handle_back() -> Result {
        each_kind(&RETURNING, Scripted::stuck, &mut |case| {
            let mut handle = case.make()?;
            let before = looks(&*handle)?;
            check_err!(handle.cancel(), EBUSY);
            check_err!(handle.cancel(), EBUSY);
            check_eq!((case.engine.stopped(), case.dma.quarantined()), (2, 0));
            check!(looks(&*handle)? == before, "the handle has changed");
            check!(case.finds(&*handle, 1)?);

            case.engine.finish();
            handle.cancel()?;
            check!(handle.holds(1));
            check_eq!(case.engine.stopped(), 2);
            Ok(())
        })
    }

    #[test]
    fn idle_device_is_asked_and_not_stopped() -> Result {
        each_kind(&RETURNING, Scripted::idle, &mut |case| {
            let mut handle = case.make()?;
            check_eq!(case.engine.asked(), 0);
            handle.complete()?;
            case.give(&mut *handle)?;
            check_eq!(case.engine.asked(), 1);
            handle.cancel()?;
            case.give(&mut *handle)?;
            check_eq!(case.engine.asked(), 2);
            end(&mut *handle)?;
            check_eq!((case.engine.asked(), case.engine.stopped()), (3, 0));
            Ok(())
        })
    }

    #[test]
    fn cpu_state_asks_nobody() -> Result {
        each_kind(&RETURNING, Scripted::idle, &mut |case| {
            let mut handle = case.make()?;
            let size = handle.size();
            check!(core::ptr::eq(handle.device(), case.probe.device()));
            handle.complete()?;
            case.engine.start();
            check_eq!(handle.size(), size);
            check!(core::ptr::eq(handle.device(), case.probe.device()));
            match handle.unmap() {
                Err(err) => check_eq!(err, EOPNOTSUPP),
                Ok(()) => check!(handle.holds(1)),
            }

            case.engine.finish();
            let mut handle = case.make()?;
            handle.complete()?;
            case.engine.start();
            handle.release();
            check_eq!((case.engine.asked(), case.engine.stopped()), (2, 0));
            Ok(())
        })
    }

    #[test]
    fn engine_may_change_from_turn_to_turn() -> Result {
        each_kind(&RETURNING, Scripted::idle, &mut |case| {
            let second = Arc::new(Scripted::busy(), GFP_KERNEL)?;
            let mut handle = case.make()?;
            handle.complete()?;
            handle.give(Turn::of(&second))?;
            check_err!(handle.complete(), EBUSY);
            check_eq!((case.engine.asked(), second.asked()), (1, 1));
            second.finish();
            handle.complete()?;
            case.give(&mut *handle)?;
            end(&mut *handle)?;
            check!(handle.holds(1));
            Ok(())
        })
    }

    #[test]
    fn engine_is_dropped_with_the_turn() -> Result {
        each_kind(&RETURNING, Scripted::idle, &mut |case| {
            let mut handle = case.make()?;
            check_eq!(case.engine.turns(), 1);
            handle.complete()?;
            check_eq!(case.engine.turns(), 0);
            case.give(&mut *handle)?;
            handle.cancel()?;
            check_eq!(case.engine.turns(), 0);
            case.give(&mut *handle)?;
            end(&mut *handle)?;
            check_eq!(case.engine.turns(), 0);
            case.make()?.release();
            check_eq!(case.engine.turns(), 0);

            // Also if there is no handle: a buffer of no bytes can't be mapped.
            drop(case.make_of(0, &case.engine));
            check_eq!(case.engine.turns(), 0);
            Ok(())
        })
    }

    /// The drop of an engine may give away what the transfer had, such as a slot in a queue.
    #[test]
    fn memory_is_the_cpus_before_the_engine_is_dropped() -> Result {
        let verbs: [fn(&mut dyn Subject) -> Result; 3] =
            [|handle| handle.complete(), |handle| handle.cancel(), end];

        each_kind(&RETURNING, Scripted::idle, &mut |case| {
            for verb in verbs {
                let mut handle = case.make()?;
                handle.complete()?;
                let place = handle.place();
                if place.is_null() {
                    return Ok(());
                }
                case.give(&mut *handle)?;
                case.fill(&*handle, 0x5a)?;
                // SAFETY: The memory is there until the handle is dropped, which comes after that of
                // the engine. Nobody writes to it.
                unsafe { case.engine.watch(place) };
                let result = verb(&mut *handle);
                // SAFETY: Nobody looks any more.
                unsafe { case.engine.watch(core::ptr::null()) };
                result?;
                check_eq!(case.engine.found(), pattern::at(0x5a, 0).into());
            }
            Ok(())
        })
    }

    #[test]
    fn rounds_keep_the_addresses_and_carry_the_data() -> Result {
        each_kind(&RETURNING, Scripted::idle, &mut |case| {
            let mut handle = case.make()?;
            check!(case.finds(&*handle, 1)?);
            let before = looks(&*handle)?;
            for seed in 2..8 {
                case.fill(&*handle, seed)?;
                handle.complete()?;
                check!(handle.holds(seed), "the device's data is not there");
                case.give(&mut *handle)?;
                check!(looks(&*handle)? == before, "the handle has changed");
                check!(case.finds(&*handle, seed)?);
            }
            end(&mut *handle)?;
            check!(handle.holds(7));
            check_eq!(case.engine.stopped(), 0);
            Ok(())
        })
    }

    #[test]
    fn verbs_work_in_atomic_context() -> Result {
        each_kind(&RETURNING, Scripted::busy, &mut |case| {
            let (dma, engine) = (case.dma, &case.engine);
            let mut handles = case.several(3)?;
            let mut next = handles.iter_mut();
            context::each_atomic(&mut || {
                let handle = next.next().ok_or(EINVAL)?;
                let at = handle.segments()?;
                engine.start();
                device_side::fill_segments(dma, &mut at.iter().copied(), 2)?;
                check_err!(handle.complete(), EBUSY);
                handle.cancel()?;
                handle.give(Turn::of(engine))?;
                check!(device_side::finds_segments(
                    dma,
                    &mut at.iter().copied(),
                    2
                )?);
                handle.complete()?;
                check!(handle.holds(2));
                handle.release();
                Ok(())
            })?;
            check_eq!((engine.stopped(), dma.quarantined()), (3, 0));
            Ok(())
        })
    }
}
