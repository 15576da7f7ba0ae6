// SPDX-License-Identifier: GPL-2.0

//! End of a table: cancelled, dropped with a device that stops and one that does not.

use super::*;
use crate::context;

#[kunit_tests(dma_map_queue_end)]
mod tests {
    use super::*;

    #[test]
    fn dropped_table_stops_the_device_once() -> Result {
        each_dma(ALL, |dma| {
            for (engine, stopped) in [(Scripted::idle(), 0), (Scripted::busy(), 1)] {
                let mut pair = Pair::<16>::new(dma, &engine, (8, 8, 5))?;
                for seed in 0..4 {
                    pair.send(seed)?;
                }
                let Pair { pool, commands, .. } = pair;
                drop(commands);
                check_eq!(engine.stopped(), stopped);
                check_eq!((pool.stats().in_use, dma.quarantined()), (0, 0));
            }
            Ok(())
        })
    }

    #[test]
    fn stuck_device_keeps_the_memory() -> Result {
        where_it_is_given_back(|dev| {
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                let engine = Scripted::stuck();
                let mut pair = Pair::<16>::new(dma, &engine, (8, 8, 5))?;
                for seed in 0..4 {
                    pair.send(seed)?;
                }
                let Pair { pool, commands, .. } = pair;
                drop(commands);
                check_eq!(pool.stats().quarantined, 4);
                engine.finish();
                Ok(())
            })
        })
    }

    /// The table goes on telling the device of commands, which it reports in the entries.
    #[test]
    fn entries_stay_as_long_as_the_table() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mut pair = Pair::<16>::new(dma, &engine, (8, 8, 5))?;
            let mut peer = pair.peer(8, 8);
            pair.send(1)?;
            let (other, buffer) = (pair.pool.take()?, pair.pool.take()?);
            let Pair {
                completions,
                mut commands,
                pool,
                ..
            } = pair;
            drop(completions);
            // Memory is not freed without a question.
            check_eq!((engine.asked(), engine.stopped()), (0, 0));
            drop(other);
            let posted = commands.post(buffer, |room| {
                Ok(Command {
                    address: room.address().into(),
                    ..Default::default()
                })
            });
            posted.map_err(Error::from)?;
            commands.publish(|_| ());
            peer.work()?;
            check_eq!(commands.used(), 2);
            drop(commands);
            check_eq!((engine.stopped(), pool.stats().in_use), (1, 0));
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }

    #[test]
    fn cancel_of_an_idle_device_begins_anew_too() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::idle();
            let mut pair = Pair::<16>::new(dma, &engine, (6, 4, 5))?;
            let mut peer = pair.peer(6, 4);
            pair.send(0)?;
            peer.work()?;
            pair.take(0)?;
            pair.send(1)?;
            let mut count = 0;
            pair.commands
                .cancel(&mut pair.completions, |_, _| count += 1)?;
            check_eq!((count, engine.stopped()), (1, 0));
            let mut peer = pair.peer(6, 4);
            check_eq!(peer.fetch()?, Command::default());
            check_eq!(pair.commands.publish(|tail| tail), 0);
            let mut peer = pair.peer(6, 4);
            pair.send(2)?;
            peer.work()?;
            pair.take(2)
        })
    }

    #[test]
    fn cancel_gives_all_back_and_begins_anew() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mut pair = Pair::<16>::new(dma, &engine, (6, 4, 5))?;
            for round in 0..10 {
                let mut peer = pair.peer(6, 4);
                for seed in 0..round {
                    pair.send(seed)?;
                    peer.work()?;
                    pair.take(seed)?;
                    pair.completions.release(|_| ());
                }
                let mut wanted = 0u32;
                for seed in 0..4 {
                    wanted |= 1 << (pair.send(seed)? & 7);
                }
                peer.work()?;
                engine.start();
                let mut found = 0;
                pair.commands
                    .cancel(&mut pair.completions, |tag, _| found |= 1 << (tag & 7))?;
                check_eq!(found, wanted);
                check_eq!(engine.stopped(), u32::from(round) + 1);
                check_eq!((pair.commands.used(), pair.pool.stats().in_use), (0, 0));
                check_eq!(pair.commands.room(), 5);
                // What the device has reported before is gone.
                check!(pair.completions.pop()?.is_none());
                check_eq!(pair.commands.publish(|tail| tail), 0);
                check_eq!(pair.completions.release(|head| head), 0);
            }
            Ok(())
        })
    }

    #[test]
    fn cancel_that_is_refused_changes_nothing() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::stuck();
            let mut pair = Pair::<16>::new(dma, &engine, (8, 8, 5))?;
            let mut other = Pair::<16>::new(dma, &engine, (8, 8, 5))?;
            let mut peer = pair.peer(8, 8);
            pair.send(1)?;
            peer.work()?;
            let mut called = false;
            let Pair {
                commands,
                completions,
                ..
            } = &mut pair;
            check_err!(commands.cancel(completions, |_, _| called = true), EBUSY);
            check_err!(
                commands.cancel(&mut other.completions, |_, _| called = true),
                EINVAL
            );
            check!(!called);
            pair.take(1)?;
            engine.finish();
            Ok(())
        })
    }

    #[test]
    fn all_calls_are_allowed_in_any_context() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mut pair = Pair::<16>::new(dma, &engine, (8, 8, 5))?;
            let mut peer = pair.peer(8, 8);
            context::each_atomic(&mut || {
                for seed in 0..10 {
                    pair.send(seed)?;
                    peer.work()?;
                    pair.take(seed)?;
                    pair.completions.release(|_| ());
                }
                Ok(())
            })?;
            context::each_atomic(&mut || {
                pair.post(1)?;
                engine.start();
                pair.commands.cancel(&mut pair.completions, |_, _| ())
            })?;
            check_eq!(pair.pool.stats().in_use, 0);
            Ok(())
        })
    }
}
