// SPDX-License-Identifier: GPL-2.0

//! Order of completions: taken in another one than they were popped, with heads that are older.

use super::*;

#[kunit_tests(dma_map_queue_order)]
mod tests {
    use super::*;

    /// The head of the older entry lies nearly a lap ahead of that of the newer one.
    #[test]
    fn older_head_takes_no_slots() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mut pair = Pair::<16>::new(dma, &engine, (8, 32, 16))?;
            let mut peer = pair.peer(8, 32);
            for seed in 0..7 {
                pair.send(seed)?;
            }
            peer.work()?;
            peer.work()?;
            let (first, second) = (pair.pop()?, pair.pop()?);
            let (_, buffer) = pair.commands.take(second)?;
            check!(pattern::holds(buffer.as_slice(), !1, 0));
            drop(buffer);
            check_eq!(pair.commands.room(), 2);
            pair.send(7)?;
            pair.send(8)?;
            check_eq!(pair.commands.room(), 0);

            let (_, buffer) = pair.commands.take(first)?;
            check!(pattern::holds(buffer.as_slice(), !0, 0));
            drop(buffer);
            check_eq!(pair.commands.room(), 0);
            check_err!(pair.post(9), EBUSY);
            // The device finds all that it was told of.
            for seed in 2..9 {
                peer.work()?;
                pair.take(seed)?;
            }
            check_eq!(pair.commands.room(), 7);
            pair.check_unchanged(0)
        })
    }

    #[test]
    fn completions_are_taken_backwards() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mut pair = Pair::<16>::new(dma, &engine, (6, 8, 16))?;
            let mut peer = pair.peer(6, 8);
            for round in 0..20 {
                for i in 0..3 {
                    pair.send(3 * round + i)?;
                    peer.work()?;
                }
                let completions = [pair.pop()?, pair.pop()?, pair.pop()?];
                for (i, completion) in (0..3).rev().zip(completions.into_iter().rev()) {
                    let (_, buffer) = pair.commands.take(completion)?;
                    check!(pattern::holds(buffer.as_slice(), !(3 * round + i), 0));
                    // The newest one has told of all slots.
                    check_eq!(pair.commands.room(), 5);
                }
                pair.completions.release(|_| ());
            }
            pair.check_unchanged(0)
        })
    }

    #[test]
    fn heads_come_from_one_source() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mut pair = Pair::<16>::new(dma, &engine, (8, 8, 16))?;
            let mut peer = pair.peer(8, 8);
            pair.send(0)?;
            peer.work()?;
            pair.take(0)?;
            pair.send(1)?;
            check_err!(pair.commands.reclaim(Untrusted::new(2)), EINVAL);
            check_eq!(pair.commands.room(), 6);

            let mut pair = Pair::<16>::new(dma, &engine, (8, 8, 16))?;
            let mut peer = pair.peer(8, 8);
            for seed in 0..7 {
                pair.send(seed)?;
                peer.work()?;
            }
            check_eq!(pair.commands.reclaim(Untrusted::new(7))?, 7);
            for seed in 7..10 {
                pair.send(seed)?;
            }
            // Heads from 1 to 7, of which the first ones would take what the device has not fetched.
            for seed in 0..7 {
                pair.take(seed)?;
                check_eq!(pair.commands.room(), 4);
            }
            pair.check_unchanged(3)
        })
    }

    #[test]
    fn doorbell_that_fails_is_rung_again() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mut pair = Pair::<16>::new(dma, &engine, (4, 4, 4))?;
            let mut peer = pair.peer(4, 4);
            pair.post(0)?;
            check_err!(pair.commands.publish(|_| Err::<(), _>(EIO)), EIO);
            pair.post(1)?;
            check_eq!(pair.commands.publish(|tail| tail), 2);
            for seed in 0..2 {
                peer.work()?;
                pair.take(seed)?;
            }
            check_err!(pair.completions.release(|_| Err::<(), _>(EIO)), EIO);
            check_eq!(pair.completions.release(|head| head), 2);
            pair.check_unchanged(0)
        })
    }
}
