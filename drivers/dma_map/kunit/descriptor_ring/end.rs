// SPDX-License-Identifier: GPL-2.0

//! End of a ring: cancelled, dropped with a device that stops and one that does not.

use super::*;
use crate::{
    c,
    context, //
};

/// Posts as many buffers as there is room for, and gives them to the device.
fn fill<'b, P: Form>(ring: &mut Ring<'b, '_, P, Buffer<'b>>, pool: &Pool<'b>, seed: u8) -> Result {
    for i in 0..ring.room() {
        post(ring, pool, seed + i as u8)?;
    }
    ring.publish(|_| ());
    Ok(())
}

#[kunit_tests(dma_map_descriptor_ring_end)]
mod tests {
    use super::*;

    #[test]
    fn dropped_ring_stops_the_device_once() -> Result {
        each_dma(ALL, |dma| {
            for (script, stopped) in [(Scripted::idle(), 0), (Scripted::busy(), 1)] {
                let card = Card::new(script);
                let pool = pool(dma)?;
                let mut ring = ring::<OwnBit, _>(dma, 4, &card)?;
                fill(&mut ring, &pool, 0)?;
                check_eq!(pool.stats().in_use, 4);
                drop(ring);
                check_eq!(card.script.stopped(), stopped);
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
                let card = Card::new(Scripted::stuck());
                let pool = pool(dma)?;
                let mut ring = ring::<OwnBit, _>(dma, 4, &card)?;
                let peer = Peer::of(dma, &ring);
                fill(&mut ring, &pool, 0)?;
                let before = dma.quarantined();
                drop(ring);
                check_eq!(pool.stats().quarantined, 4);
                let slots = 4 * size_of::<Slot>();
                check_eq!(dma.quarantined() - before, 4 * ROOM + slots);
                // The device still reaches all of it.
                for index in 0..4 {
                    let address = peer.read(index)?.address.get();
                    check!(c::dma_to_phys(dma.device(), address) != 0);
                    device_side::fill_at(dma, address, ROOM, 0xee)?;
                }
                Ok(())
            })
        })
    }

    #[test]
    fn cancel_gives_all_back_from_the_oldest_on() -> Result {
        each_dma(ALL, |dma| {
            let card = Card::new(Scripted::busy());
            let pool = pool(dma)?;
            let mut ring = ring::<Generations, _>(dma, 5, &card)?;
            for start in 0..12u8 {
                let mut peer = Peer::of(dma, &ring);
                for seed in 0..start {
                    let address = post(&mut ring, &pool, seed)?;
                    ring.publish(|_| ());
                    peer.work::<Generations>(seed)?;
                    check_completed(popped(ring.pop())?, address, seed)?;
                }
                fill(&mut ring, &pool, 10)?;
                peer.work::<Generations>(10)?;
                card.script.start();
                let (before, mut seed) = (card.script.stopped(), 10);
                let mut right = true;
                ring.cancel(|buffer: Buffer<'_>| {
                    // The device was done with one of them.
                    let wanted = if seed == 10 { !seed } else { seed };
                    right &= crate::pattern::holds(buffer.as_slice(), wanted, 0);
                    seed += 1;
                })?;
                check!(right && seed == 15);
                check_eq!(card.script.stopped(), before + 1);
                check_eq!((ring.used(), ring.room(), pool.stats().in_use), (0, 5, 0));
                // As new: no address is left.
                check_eq!(ring.publish(|bell| bell), 0);
                for index in 0..5 {
                    check_eq!(peer.read(index)?, Slot::default());
                }
                check!(ring.pop()?.is_none());
            }
            Ok(())
        })
    }

    #[test]
    fn cancel_of_a_stuck_device_changes_nothing() -> Result {
        each_dma(ALL, |dma| {
            let card = Card::new(Scripted::stuck());
            let pool = pool(dma)?;
            let mut ring = ring::<OwnBit, _>(dma, 2, &card)?;
            let mut peer = Peer::of(dma, &ring);
            let address = post(&mut ring, &pool, 1)?;
            ring.publish(|_| ());
            let mut called = false;
            check_err!(ring.cancel(|_: Buffer<'_>| called = true), EBUSY);
            check!(!called);
            check_eq!((ring.used(), pool.stats().in_use), (1, 1));
            peer.work::<OwnBit>(1)?;
            check_completed(popped(ring.pop())?, address, 1)?;
            card.script.finish();
            Ok(())
        })
    }

    #[test]
    fn all_calls_are_allowed_in_any_context() -> Result {
        each_dma(ALL, |dma| {
            let card = Card::new(Scripted::busy());
            let pool = pool(dma)?;
            let mut ring = ring::<DoneBit, _>(dma, 3, &card)?;
            let mut peer = Peer::of(dma, &ring);
            context::each_atomic(&mut || {
                for seed in 0..5 {
                    let address = post(&mut ring, &pool, seed)?;
                    ring.publish(|_| ());
                    peer.work::<DoneBit>(seed)?;
                    check_completed(popped(ring.pop())?, address, seed)?;
                }
                Ok(())
            })?;
            context::each_atomic(&mut || {
                fill(&mut ring, &pool, 0)?;
                card.script.start();
                ring.cancel(drop)
            })?;
            check_eq!(pool.stats().in_use, 0);
            Ok(())
        })
    }
}
