// SPDX-License-Identifier: GPL-2.0

//! Hostile devices: one that writes anything to a ring gets an error, and the ring goes on.

use super::*;

/// Counters that no honest device has.
const LIES: [u32; 6] = [u32::MAX, 1 << 31, 9, 100, u32::MAX - 7, 0x5a5a_5a5a];

#[kunit_tests(dma_map_ring_hostile)]
mod tests {
    use super::*;

    #[test]
    fn lies_of_an_emptying_device_are_ebadmsg() -> Result {
        each_dma(ALL, |dma| {
            let mut ring = producer(dma, 8)?;
            let mut peer = Peer {
                dma,
                slots: ring.dma_address(),
                counters: ring.counters().dma_address(),
                len: 8,
                done: 0,
            };
            for i in 0..8 {
                ring.push(Entry::new(i))?;
            }
            ring.publish();
            for lie in LIES {
                peer.tell(lie)?;
                check_err!(ring.reclaim(), EBADMSG);
                check_eq!(ring.room(), 0);
            }
            // It may come to its senses.
            peer.empty()?;
            check_eq!(ring.reclaim()?, 8);
            // And back is a lie too.
            peer.tell(3)?;
            check_err!(ring.reclaim(), EBADMSG);
            Ok(())
        })
    }

    #[test]
    fn lies_of_a_filling_device_are_ebadmsg() -> Result {
        each_dma(ALL, |dma| {
            let mut ring = consumer(dma, 8)?;
            let mut peer = Peer {
                dma,
                slots: ring.dma_address(),
                counters: ring.counters().dma_address(),
                len: 8,
                done: 0,
            };
            for lie in LIES {
                peer.tell(lie)?;
                check_err!(ring.poll(), EBADMSG);
                check!(ring.pop().is_none());
            }
            peer.fill(Entry::new(0))?;
            check_eq!(ring.poll()?, 1);
            for lie in LIES {
                peer.tell(lie)?;
                check_err!(ring.poll(), EBADMSG);
                check_eq!(ring.available(), 1);
            }
            Ok(())
        })
    }

    /// misuse: second-fetch
    #[test]
    fn what_was_popped_does_not_change_any_more() -> Result {
        each_dma(ALL, |dma| {
            let mut ring = consumer(dma, 1)?;
            let mut peer = Peer {
                dma,
                slots: ring.dma_address(),
                counters: ring.counters().dma_address(),
                len: 1,
                done: 0,
            };
            peer.fill(Entry::new(3))?;
            ring.poll()?;
            let entry = ring.pop().ok_or(EINVAL)?;
            device_side::write(dma, peer.slots, &[0xff; 8])?;
            entry.exactly(Entry::new(3))?;
            check!(ring.pop().is_none());
            Ok(())
        })
    }

    #[test]
    fn an_index_in_a_slot_is_checked() -> Result {
        each_dma(ALL, |dma| {
            let mut ring = consumer(dma, 8)?;
            let mut peer = Peer {
                dma,
                slots: ring.dma_address(),
                counters: ring.counters().dma_address(),
                len: 8,
                done: 0,
            };
            let table = [10, 20, 30];
            for number in [0, 2, 3, u32::MAX] {
                peer.fill(Entry::new(number))?;
            }
            ring.poll()?;
            let mut next = || {
                let entry = ring.pop().ok_or(EINVAL)?;
                entry.map(|entry| entry.number.get()).index(table.len())
            };
            check_eq!(table[next()?], 10);
            check_eq!(table[next()?], 30);
            check_err!(next(), EBADMSG);
            check_err!(next(), EBADMSG);
            Ok(())
        })
    }
}
