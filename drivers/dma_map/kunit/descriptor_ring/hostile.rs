// SPDX-License-Identifier: GPL-2.0

//! Hostile devices: what is no report changes nothing, and what is none that can be is an error.

use super::*;

/// A ring of `len` slots, of which all that can be are posted and given to the device.
fn full<'b, 'c, P: Form>(
    dma: DmaDevice<'b>,
    pool: &Pool<'b>,
    len: usize,
    card: &'c Card,
) -> Result<(Ring<'b, 'c, P, Buffer<'b>>, Peer<'b>)> {
    let mut ring = ring::<P, _>(dma, len, card)?;
    let peer = Peer::of(dma, &ring);
    for seed in 0..ring.room() {
        post(&mut ring, pool, seed as u8)?;
    }
    ring.publish(|_| ());
    Ok((ring, peer))
}

/// Checks that nothing changed: all of the memory is out, and nobody was asked or stopped.
fn check_unchanged<P: Form>(
    ring: &Ring<'_, '_, P, Buffer<'_>>,
    pool: &Pool<'_>,
    used: u32,
) -> Result {
    check_eq!((ring.used(), pool.stats().in_use), (used, used as usize));
    let card = ring.engine();
    check_eq!((card.script.asked(), card.script.stopped()), (0, 0));
    Ok(())
}

#[kunit_tests(dma_map_descriptor_ring_hostile)]
mod tests {
    use super::*;

    #[test]
    fn slot_ahead_of_its_turn_is_not_looked_at() -> Result {
        each_dma(ALL, |dma| {
            let card = Card::new(Scripted::busy());
            let pool = pool(dma)?;
            let (mut ring, mut peer) = full::<OwnBit>(dma, &pool, 4, &card)?;
            for index in 1..4 {
                peer.set_status(index, MARK)?;
                check!(ring.pop()?.is_none());
            }
            check_unchanged(&ring, &pool, 4)?;
            peer.set_len(1, 5)?;
            peer.work::<OwnBit>(0)?;
            // In order, and the second one as the device left it.
            check_eq!(popped(ring.pop())?.len, Some(written(0)));
            check_eq!(popped(ring.pop())?.len, Some(5));
            Ok(())
        })
    }

    #[test]
    fn slot_that_was_not_given_is_not_looked_at() -> Result {
        each_dma(ALL, |dma| {
            let card = Card::new(Scripted::busy());
            let pool = pool(dma)?;
            let mut ring = ring::<DoneBit, Buffer<'_>>(dma, 4, &card)?;
            let mut peer = Peer::of(dma, &ring);
            for seed in 0..10 {
                for index in 0..4 {
                    peer.set_status(index, MARK | DONE)?;
                }
                check!(ring.pop()?.is_none());
                let address = post(&mut ring, &pool, seed)?;
                // Not even if it was filled.
                check!(ring.pop()?.is_none());
                peer.set_status(peer.at.index, MARK | DONE)?;
                check!(ring.pop()?.is_none());
                ring.publish(|_| ());
                check!(ring.pop()?.is_none());
                peer.work::<DoneBit>(seed)?;
                check_completed(popped(ring.pop())?, address, seed)?;
            }
            Ok(())
        })
    }

    #[test]
    fn slot_that_is_reported_twice_is_done_once() -> Result {
        each_dma(ALL, |dma| {
            let card = Card::new(Scripted::busy());
            let pool = pool(dma)?;
            let mut ring = ring::<OwnBit, Buffer<'_>>(dma, 2, &card)?;
            let mut peer = Peer::of(dma, &ring);
            for seed in 0..10 {
                let index = peer.at.index;
                let address = post(&mut ring, &pool, seed)?;
                ring.publish(|_| ());
                peer.work::<OwnBit>(seed)?;
                check_completed(popped(ring.pop())?, address, seed)?;
                // Once more, and then with what comes next in the same slot.
                peer.set_status(index, MARK)?;
                check!(ring.pop()?.is_none());
            }
            check_unchanged(&ring, &pool, 0)
        })
    }

    #[test]
    fn sign_that_cannot_be_is_ebadmsg() -> Result {
        each_dma(ALL, |dma| {
            let card = Card::new(Scripted::busy());
            let pool = pool(dma)?;
            let (mut ring, mut peer) = full::<Generations>(dma, &pool, 3, &card)?;
            let mut used = 3;
            for seed in 0..9 {
                let index = peer.at.index;
                let given = peer.read(index)?.status.get();
                // Of the lap before, or of the next one.
                for lie in [given ^ GENERATION, (given ^ GENERATION) | DONE] {
                    peer.set_status(index, lie)?;
                    for _ in 0..3 {
                        check_err!(ring.pop().map(|_| ()), EBADMSG);
                    }
                    check_unchanged(&ring, &pool, used)?;
                }
                // It may come to its senses.
                peer.set_status(index, given)?;
                check!(ring.pop()?.is_none());
                if seed < 3 {
                    peer.work::<Generations>(seed)?;
                    drop(popped(ring.pop())?);
                    used -= 1;
                    if used == 0 {
                        // In the second lap it is the other way round.
                        for seed in 0..3 {
                            post(&mut ring, &pool, seed)?;
                        }
                        ring.publish(|_| ());
                        used = 3;
                    }
                } else {
                    peer.at = peer.at.after(3);
                    break;
                }
            }
            Ok(())
        })
    }

    #[test]
    fn length_beyond_the_memory_is_ebadmsg() -> Result {
        each_dma(ALL, |dma| {
            let card = Card::new(Scripted::busy());
            let pool = pool(dma)?;
            let (mut ring, peer) = full::<DoneBit>(dma, &pool, 3, &card)?;
            peer.set_status(0, MARK | DONE)?;
            for lie in [ROOM as u32 + 1, u32::MAX, 1 << 31] {
                peer.set_len(0, lie)?;
                check_err!(ring.pop().map(|_| ()), EBADMSG);
                check_unchanged(&ring, &pool, 2)?;
            }
            for (index, len) in [(0, ROOM as u32), (1, 0)] {
                peer.set_len(index, len)?;
                peer.set_status(index, MARK | DONE)?;
                check_eq!(popped(ring.pop())?.len, Some(len as usize));
            }
            Ok(())
        })
    }

    #[test]
    fn index_that_cannot_be_is_ebadmsg() -> Result {
        each_dma(ALL, |dma| {
            let card = Card::new(Scripted::busy());
            let pool = pool(dma)?;
            let mut ring = ring::<ByIndex, Buffer<'_>>(dma, 8, &card)?;
            let mut peer = Peer::of(dma, &ring);
            // From the sixth slot on, three of them over the end.
            for seed in 0..5 {
                post(&mut ring, &pool, seed)?;
                ring.publish(|_| ());
                peer.work::<ByIndex>(seed)?;
                card.index.store(peer.at.index, Relaxed);
                check_eq!(ring.poll()?, 1);
                drop(popped(ring.pop())?);
            }
            for seed in 0..4 {
                post(&mut ring, &pool, seed)?;
            }
            // Nothing was given yet.
            for lie in [6, 7, 0, 1] {
                card.index.store(lie, Relaxed);
                check_err!(ring.poll(), EBADMSG);
            }
            ring.publish(|_| ());
            card.index.store(7, Relaxed);
            check_eq!(ring.poll()?, 2);
            for lie in [2, 3, 4, 5, 6, 8, 9, 1 << 31, u32::MAX] {
                card.index.store(lie, Relaxed);
                check_err!(ring.poll(), EBADMSG);
                check_unchanged(&ring, &pool, 4)?;
            }
            drop(popped(ring.pop())?);
            drop(popped(ring.pop())?);
            check!(ring.pop()?.is_none());
            card.index.store(1, Relaxed);
            check_eq!(ring.poll()?, 2);
            check_unchanged(&ring, &pool, 2)
        })
    }

    /// misuse: second-fetch
    #[test]
    fn what_was_popped_does_not_change_any_more() -> Result {
        each_dma(ALL, |dma| {
            let card = Card::new(Scripted::busy());
            let pool = pool(dma)?;
            let (mut ring, mut peer) = full::<OwnBit>(dma, &pool, 2, &card)?;
            peer.work::<OwnBit>(0)?;
            let done = popped(ring.pop())?;
            peer.set_status(0, u32::MAX)?;
            peer.set_len(0, u32::MAX)?;
            done.descriptor.validate(|slot| {
                check_eq!(slot.status.get(), MARK);
                check_eq!(slot.len.get() as usize, written(0));
                Ok(())
            })
        })
    }

    #[test]
    fn descriptor_that_says_done_is_einval() -> Result {
        each_dma(ALL, |dma| {
            let card = Card::new(Scripted::busy());
            let pool = pool(dma)?;
            let mut ring = ring::<DoneBit, _>(dma, 4, &card)?;
            let buffer = pool.take()?;
            let failed = ring.post(buffer, |room| {
                let mut slot = Slot::new(room.address(), room.len())?;
                slot.status = DONE.into();
                Ok(slot)
            });
            check_eq!(failed.err().ok_or(EPERM)?.error, EINVAL);
            check_unchanged(&ring, &pool, 0)?;
            check!(ring.pop()?.is_none());
            Ok(())
        })
    }
}
