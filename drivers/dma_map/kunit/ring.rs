// SPDX-License-Identifier: GPL-2.0

//! Rings: their arithmetic, and a device on the other side, honest or not.

mod hostile;
mod index;

use crate::{
    check::*,
    device_side,
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    endian::Le,
    ring::{
        Consumer,
        Full,
        InMemory,
        Producer, //
    },
    DmaCoherent,
    DmaDevice,
    Gfp,
    Untrusted, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// What is in the slots.
#[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes)]
#[repr(C)]
struct Entry {
    number: Le<u32>,
    square: Le<u32>,
}

impl Entry {
    fn new(number: u32) -> Self {
        Self {
            number: number.into(),
            square: number.wrapping_mul(number).into(),
        }
    }
}

type Counters<'b> = InMemory<'b, Idle>;

fn producer<'b>(dma: DmaDevice<'b>, len: usize) -> Result<Producer<'b, Entry, Idle, Counters<'b>>> {
    let slots = DmaCoherent::<[Entry]>::zeroed_slice(dma, len, Gfp::Kernel)?;
    Producer::new(slots.give(Idle), InMemory::new(dma, Idle, Gfp::Kernel)?)
}

fn consumer<'b>(dma: DmaDevice<'b>, len: usize) -> Result<Consumer<'b, Entry, Idle, Counters<'b>>> {
    let slots = DmaCoherent::<[Entry]>::zeroed_slice(dma, len, Gfp::Kernel)?;
    Consumer::new(slots.give(Idle), InMemory::new(dma, Idle, Gfp::Kernel)?)
}

/// The device's side of a ring.
struct Peer<'b> {
    dma: DmaDevice<'b>,
    slots: DmaAddress,
    counters: DmaAddress,
    len: u32,
    done: u32,
}

impl Peer<'_> {
    fn read(&self, at: DmaAddress) -> Result<u32> {
        let mut bytes = [0; 4];
        device_side::read(self.dma, at, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// Says that this is how far the device is.
    fn tell(&self, counter: u32) -> Result {
        let at = self.counters + Counters::DEVICE as DmaAddress;
        device_side::write(self.dma, at, &counter.to_le_bytes())
    }

    fn slot(&self) -> DmaAddress {
        self.slots + DmaAddress::from(self.done & (self.len - 1)) * size_of::<Entry>() as DmaAddress
    }

    /// Empties what the CPU has published, and checks that it counts on from `self.done`.
    fn empty(&mut self) -> Result<u32> {
        let head = self.read(self.counters)?;
        let before = self.done;
        while self.done != head {
            check_eq!(self.read(self.slot())?, self.done);
            check_eq!(
                self.read(self.slot() + 4)?,
                self.done.wrapping_mul(self.done)
            );
            self.done = self.done.wrapping_add(1);
        }
        self.tell(self.done)?;
        Ok(self.done.wrapping_sub(before))
    }

    /// Fills a slot.
    fn fill(&mut self, entry: Entry) -> Result {
        device_side::write(self.dma, self.slot(), entry.number.as_bytes())?;
        device_side::write(self.dma, self.slot() + 4, entry.square.as_bytes())?;
        self.done = self.done.wrapping_add(1);
        self.tell(self.done)
    }
}

#[kunit_tests(dma_map_ring)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_is_there_in_order() -> Result {
        each_dma(ALL, |dma| {
            for len in [1u32, 2, 64] {
                let mut ring = producer(dma, len as usize)?;
                let mut peer = Peer {
                    dma,
                    slots: ring.dma_address(),
                    counters: ring.counters().dma_address(),
                    len,
                    done: 0,
                };
                let mut next = 0;
                for round in 0..200 {
                    for _ in 0..round % 5 {
                        if ring.push(Entry::new(next)).is_ok() {
                            next += 1;
                        }
                    }
                    ring.publish();
                    peer.empty()?;
                    ring.reclaim()?;
                    check_eq!(ring.room(), len);
                }
                check_eq!(peer.done, next);
                check!(next > len);
            }
            Ok(())
        })
    }

    /// Seen as bytes, so that it does not matter which order the CPU has.
    #[test]
    fn counters_are_little_endian() -> Result {
        each_dma(ALL, |dma| {
            let mut ring = producer(dma, 512)?;
            let counters = ring.counters().dma_address();
            for i in 0..0x102 {
                ring.push(Entry::new(i))?;
            }
            ring.publish();
            let mut bytes = [0; 4];
            device_side::read(dma, counters, &mut bytes)?;
            check_eq!(bytes, [2, 1, 0, 0]);

            let device = counters + Counters::DEVICE as DmaAddress;
            device_side::write(dma, device, &[1, 1, 0, 0])?;
            check_eq!(ring.reclaim()?, 0x101);
            device_side::write(dma, device, &[0, 0, 1, 2])?;
            check_err!(ring.reclaim(), EBADMSG);
            Ok(())
        })
    }

    #[test]
    fn what_is_not_published_is_not_seen() -> Result {
        each_dma(ALL, |dma| {
            let mut ring = producer(dma, 4)?;
            let mut peer = Peer {
                dma,
                slots: ring.dma_address(),
                counters: ring.counters().dma_address(),
                len: 4,
                done: 0,
            };
            ring.push(Entry::new(0))?;
            check_eq!(peer.empty()?, 0);
            ring.publish();
            check_eq!(peer.empty()?, 1);
            Ok(())
        })
    }

    #[test]
    fn full_ring_gives_the_value_back() -> Result {
        each_dma(ALL, |dma| {
            let mut ring = producer(dma, 2)?;
            ring.push(Entry::new(0))?;
            ring.push(Entry::new(1))?;
            check_eq!(ring.room(), 0);
            check!(ring.vacancy().is_none());
            match ring.push(Entry::new(2)) {
                Ok(()) => Err(EINVAL),
                Err(Full(entry)) => {
                    check_eq!(entry, Entry::new(2));
                    check_eq!(Error::from(Full(entry)), EBUSY);
                    Ok(())
                }
            }
        })
    }

    #[test]
    fn vacancy_that_is_dropped_stays_vacant() -> Result {
        each_dma(ALL, |dma| {
            let mut ring = producer(dma, 2)?;
            let first = ring.dma_address();
            for _ in 0..3 {
                let vacancy = ring.vacancy().ok_or(EINVAL)?;
                check_eq!(vacancy.dma_address(), first);
            }
            ring.vacancy().ok_or(EINVAL)?.fill(Entry::new(0));
            let second = ring.vacancy().ok_or(EINVAL)?.dma_address();
            check_eq!(second, first + size_of::<Entry>() as DmaAddress);
            check_eq!(ring.room(), 1);
            Ok(())
        })
    }

    #[test]
    fn what_the_device_fills_is_there_in_order() -> Result {
        each_dma(ALL, |dma| {
            for len in [1u32, 4] {
                let mut ring = consumer(dma, len as usize)?;
                let mut peer = Peer {
                    dma,
                    slots: ring.dma_address(),
                    counters: ring.counters().dma_address(),
                    len,
                    done: 0,
                };
                check_eq!(ring.poll()?, 0);
                check!(ring.pop().is_none());
                let mut seen = 0;
                for round in 0..50 {
                    for _ in 0..(round & (len - 1)) + 1 {
                        peer.fill(Entry::new(peer.done))?;
                    }
                    // It was not asked yet.
                    check_eq!(ring.available(), 0);
                    check_eq!(ring.poll()?, (round & (len - 1)) + 1);
                    while let Some(entry) = ring.pop() {
                        entry.exactly(Entry::new(seen))?;
                        seen += 1;
                    }
                    ring.release();
                    check_eq!(peer.read(peer.counters)?, seen);
                }
                check_eq!(seen, peer.done);
            }
            Ok(())
        })
    }

    #[test]
    fn only_powers_of_two_are_rings() -> Result {
        each_dma(ALL, |dma| {
            for len in [3, 5, 6, 7, 12, 100] {
                check_err!(producer(dma, len), EINVAL);
                check_err!(consumer(dma, len), EINVAL);
            }
            Ok(())
        })
    }

    #[test]
    fn untrusted_values_are_checked_at_the_edges() -> Result {
        for (value, limit, index, length) in [
            (0u32, 0, false, true),
            (0, 1, true, true),
            (1, 1, false, true),
            (2, 1, false, false),
            (u32::MAX, 100, false, false),
        ] {
            check_eq!(Untrusted::new(value).index(limit).is_ok(), index);
            check_eq!(Untrusted::new(value).length(limit).is_ok(), length);
        }
        check_err!(Untrusted::new(u64::MAX).index(usize::MAX), EBADMSG);
        check_err!(Untrusted::new(-1i32).length(usize::MAX), EBADMSG);
        check_err!(Untrusted::new(256u32).convert::<u8>(), EBADMSG);
        check_eq!(Untrusted::new(255u32).convert::<u8>()?, 255);
        check_err!(Untrusted::new(1).exactly(2), EBADMSG);
        check_eq!(Untrusted::new((1u8, 2u8)).map(|two| two.1).index(3)?, 2);
        check_err!(Untrusted::new(7).validate(|_| Err::<(), _>(EPERM)), EPERM);
        Ok(())
    }
}
