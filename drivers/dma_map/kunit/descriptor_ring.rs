// SPDX-License-Identifier: GPL-2.0

//! Descriptor rings: each form of progress, with a device on the other side, honest or not.

mod end;
mod forms;
mod hostile;
mod owned;
mod window;

use self::forms::*;
use crate::{
    check::*,
    device_side,
    engines::Scripted,
    fixture::*, //
};
use dma_map::{
    descriptor_ring::{
        Completed,
        Completes,
        CompletesTo,
        DescriptorRing,
        Place, //
    },
    transfer::Post,
    Bidirectional,
    DmaCoherent,
    DmaDevice,
    Engine,
    Gfp,
    MappedBuffer,
    MappedPool,
    MappedPoolOptions,
    Untrusted, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// The engine of a ring, with a register.
struct Card {
    script: Scripted,
    index: Atomic<u32>,
}

impl Card {
    fn new(script: Scripted) -> Self {
        Self {
            script,
            index: Atomic::new(0),
        }
    }
}

// SAFETY: There is no device, so nothing accesses the memory, whatever the engine says.
unsafe impl Engine for Card {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        self.script.is_idle()
    }

    fn quiesce(&self) -> Result {
        self.script.quiesce()
    }
}

// SAFETY: There is no device but the cases, which access memory between calls of the library.
unsafe impl<P: Form> Completes<P> for Card {}

// SAFETY: There is no device but the cases, which set the index to what they have done, or to a lie while they
// access nothing.
unsafe impl CompletesTo<ByIndex> for Card {
    fn index(&self) -> Untrusted<u32> {
        Untrusted::new(self.index.load(Relaxed))
    }
}

type Pool<'b> = MappedPool<'b, u8, Bidirectional>;
type Buffer<'b> = MappedBuffer<'b, u8, Bidirectional>;
type Ring<'b, 'c, P, H> = DescriptorRing<'b, P, &'c Card, H>;

/// Bytes in a buffer.
const ROOM: usize = 600;

fn pool(dma: DmaDevice<'_>) -> Result<Pool<'_>> {
    let options = MappedPoolOptions::new(64);
    MappedPool::new(dma, c"kunit", ROOM, Bidirectional, options)
}

fn ring<'b, 'c, P: Form, H: Post>(
    dma: DmaDevice<'b>,
    len: usize,
    card: &'c Card,
) -> Result<Ring<'b, 'c, P, H>> {
    let mut slots = DmaCoherent::<[Slot]>::zeroed_slice(dma, len, Gfp::Kernel)?;
    // What was there before does not matter.
    slots.as_mut_bytes().fill(0xff);
    DescriptorRing::new(slots, card)
}

/// Posts a buffer that holds the pattern `seed`.
fn post<'b, P: Form>(
    ring: &mut Ring<'b, '_, P, Buffer<'b>>,
    pool: &Pool<'b>,
    seed: u8,
) -> Result<DmaAddress> {
    let mut buffer = pool.take()?;
    crate::pattern::fill(buffer.as_mut_slice(), seed, 0);
    let mut address = 0;
    ring.post(buffer, |room| {
        address = room.address();
        Slot::new(address, room.len())
    })?;
    Ok(address)
}

/// The device's side of a ring.
struct Peer<'b> {
    dma: DmaDevice<'b>,
    slots: DmaAddress,
    len: u32,
    at: Place,
}

impl<'b> Peer<'b> {
    fn of<P: Form, H: Post>(dma: DmaDevice<'b>, ring: &Ring<'b, '_, P, H>) -> Self {
        Self {
            dma,
            slots: ring.dma_address(),
            len: ring.len() as u32,
            at: Place::FIRST,
        }
    }

    fn slot(&self, index: u32) -> DmaAddress {
        self.slots + DmaAddress::from(index) * size_of::<Slot>() as DmaAddress
    }

    fn read(&self, index: u32) -> Result<Slot> {
        let mut slot = Slot::default();
        device_side::read(self.dma, self.slot(index), slot.as_mut_bytes())?;
        Ok(slot)
    }

    /// Writes the status of a slot, and nothing else.
    fn set_status(&self, index: u32, status: u32) -> Result {
        let at = self.slot(index) + STATUS as DmaAddress;
        device_side::write(self.dma, at, &status.to_le_bytes())
    }

    fn set_len(&self, index: u32, len: u32) -> Result {
        device_side::write(self.dma, self.slot(index), &len.to_le_bytes())
    }

    /// Uses the next slot: looks for the pattern `seed`, leaves another one, and writes the slot back.
    /// `EAGAIN` if the slot is not the device's.
    fn work<P: Form>(&mut self, seed: u8) -> Result {
        let index = self.at.index;
        let slot = self.read(index)?;
        let status = slot.status.get();
        if !P::is_given(status, self.at.lap) {
            return Err(EAGAIN);
        }
        check_eq!(status & MARK, MARK);
        let (address, len) = (slot.address.get(), slot.len.get() as usize);
        check_eq!(len, ROOM);
        check!(device_side::finds_at(self.dma, address, len, seed)?);
        device_side::fill_at(self.dma, address, len, !seed)?;
        self.set_len(index, written(seed) as u32)?;
        self.set_status(index, P::done(status))?;
        self.at = self.at.after(self.len);
        Ok(())
    }
}

/// How many bytes the device says it has written to the buffer of `seed`.
fn written(seed: u8) -> usize {
    usize::from(seed) + 1
}

/// Checks what the device left in a slot of `seed`.
fn check_completed(done: Completed<Slot, Buffer<'_>>, address: DmaAddress, seed: u8) -> Result {
    check_eq!(done.len, Some(written(seed)));
    check!(crate::pattern::holds(done.memory.as_slice(), !seed, 0));
    done.descriptor.validate(|slot| {
        check_eq!(slot.address.get(), address);
        check_eq!(slot.len.get() as usize, written(seed));
        check_eq!(slot.status.get() & MARK, MARK);
        Ok(())
    })
}

/// Returns what was popped, where there must be something.
fn popped<T>(result: Result<Option<T>>) -> Result<T> {
    result?.ok_or(ENODATA)
}

/// Runs buffers through a ring of each of some lengths, in batches of all sizes, over several laps. `poll`
/// lets the ring see that the device has worked.
fn run<P: Form>(
    lens: &[usize],
    poll: impl Fn(&mut Ring<'_, '_, P, Buffer<'_>>, &Card, Place) -> Result,
) -> Result {
    each_dma(ALL, |dma| {
        for &len in lens {
            // Never idle: the ring does not ask.
            let card = Card::new(Scripted::busy());
            let pool = pool(dma)?;
            let mut ring = ring::<P, _>(dma, len, &card)?;
            let mut peer = Peer::of(dma, &ring);
            let capacity = ring.room();
            let (mut first, mut next) = (0u8, 0u8);
            let mut addresses = [0; 16];

            check!(ring.pop()?.is_none());
            for round in 0..60u8 {
                for _ in 0..round % 5 + 1 {
                    if ring.room() == 0 {
                        break;
                    }
                    addresses[usize::from(next % 16)] = post(&mut ring, &pool, next)?;
                    next += 1;
                }
                check_eq!(ring.used(), u32::from(next - first));
                check_eq!(ring.room() + ring.used(), capacity);
                let bell = ring.publish(|bell| bell);
                check_eq!(bell as usize, usize::from(next) % len);

                for _ in 0..round % 3 + 1 {
                    let before = peer.at.index;
                    if ring.used() == 0 || before == bell && first == next {
                        break;
                    }
                    let seed = first;
                    peer.work::<P>(seed)?;
                    check_eq!(before as usize, usize::from(seed) % len);
                    poll(&mut ring, &card, peer.at)?;
                    let done = popped(ring.pop())?;
                    check_completed(done, addresses[usize::from(seed % 16)], seed)?;
                    check!(ring.pop()?.is_none());
                    first += 1;
                }
            }
            check!(usize::from(first) > 3 * len, "{first} of {len}");
            check_eq!((card.script.asked(), card.script.stopped()), (0, 0));
        }
        Ok(())
    })
}

#[kunit_tests(dma_map_descriptor_ring)]
mod tests {
    use super::*;

    #[test]
    fn done_bit() -> Result {
        run::<DoneBit>(&[2, 3, 5, 8], |_, _, _| Ok(()))
    }

    #[test]
    fn own_bit() -> Result {
        run::<OwnBit>(&[1, 2, 3, 5, 8], |_, _, _| Ok(()))
    }

    #[test]
    fn generation() -> Result {
        run::<Generations>(&[1, 2, 3, 5, 8], |_, _, _| Ok(()))
    }

    #[test]
    fn index_of_a_register() -> Result {
        run::<ByIndex>(&[2, 3, 5, 8], |ring, card, at| {
            check!(ring.pop()?.is_none());
            card.index.store(at.index, Relaxed);
            check_eq!(ring.poll()?, 1);
            check_eq!(ring.poll()?, 0);
            Ok(())
        })
    }

    #[test]
    fn index_reports_many_at_once() -> Result {
        each_dma(ALL, |dma| {
            let card = Card::new(Scripted::busy());
            let pool = pool(dma)?;
            let mut ring = ring::<ByIndex, _>(dma, 6, &card)?;
            let mut peer = Peer::of(dma, &ring);
            let mut seed = 0;
            for _ in 0..9 {
                let mut addresses = [0; 5];
                for (i, address) in addresses.iter_mut().enumerate() {
                    *address = post(&mut ring, &pool, seed + i as u8)?;
                }
                ring.publish(|_| ());
                for i in 0..5 {
                    peer.work::<ByIndex>(seed + i)?;
                }
                card.index.store(peer.at.index, Relaxed);
                check_eq!(ring.poll()?, 5);
                for address in addresses {
                    check_completed(popped(ring.pop())?, address, seed)?;
                    seed += 1;
                }
                check!(ring.pop()?.is_none());
            }
            Ok(())
        })
    }

    #[test]
    fn what_is_not_published_is_not_seen() -> Result {
        each_dma(ALL, |dma| {
            let card = Card::new(Scripted::busy());
            let pool = pool(dma)?;
            let mut owned = ring::<OwnBit, _>(dma, 4, &card)?;
            let mut peer = Peer::of(dma, &owned);
            let mut turned = ring::<Generations, _>(dma, 2, &card)?;
            let mut turned_peer = Peer::of(dma, &turned);
            for seed in 0..20 {
                let address = post(&mut owned, &pool, seed)?;
                check_err!(peer.work::<OwnBit>(seed), EAGAIN);
                // All but the sign is there already.
                let slot = peer.read(peer.at.index)?;
                check_eq!(slot.address.get(), address);
                check_eq!(slot.status.get() & OWN, 0);
                check!(owned.pop()?.is_none());
                owned.publish(|_| ());
                peer.work::<OwnBit>(seed)?;
                check_completed(popped(owned.pop())?, address, seed)?;

                let address = post(&mut turned, &pool, seed)?;
                check_err!(turned_peer.work::<Generations>(seed), EAGAIN);
                check!(turned.pop()?.is_none());
                turned.publish(|_| ());
                turned_peer.work::<Generations>(seed)?;
                check_completed(popped(turned.pop())?, address, seed)?;
            }
            Ok(())
        })
    }

    #[test]
    fn full_ring_gives_the_memory_back() -> Result {
        each_dma(ALL, |dma| {
            let card = Card::new(Scripted::busy());
            let pool = pool(dma)?;
            let mut all = ring::<OwnBit, _>(dma, 3, &card)?;
            let mut but_one = ring::<DoneBit, _>(dma, 3, &card)?;
            for seed in 0..3 {
                post(&mut all, &pool, seed)?;
            }
            for seed in 0..2 {
                post(&mut but_one, &pool, seed)?;
            }
            check_eq!((all.room(), but_one.room()), (0, 0));
            check_eq!((all.used(), but_one.used()), (3, 2));
            let mut buffer = pool.take()?;
            for _ in 0..3 {
                let full = all.post(buffer, |_| Err(EPERM)).err().ok_or(EINVAL)?;
                check_eq!(full.error, EBUSY);
                let full = but_one.post(full.buffer, |_| Err(EPERM));
                buffer = full.err().ok_or(EINVAL)?.buffer;
            }
            check_eq!(buffer.as_slice().len(), ROOM);
            check_eq!(pool.stats().in_use, 6);
            Ok(())
        })
    }

    #[test]
    fn rings_without_a_usable_slot_are_refused() -> Result {
        each_dma(ALL, |dma| {
            let card = Card::new(Scripted::busy());
            check_err!(ring::<DoneBit, Buffer<'_>>(dma, 1, &card).map(drop), EINVAL);
            check_err!(ring::<ByIndex, Buffer<'_>>(dma, 1, &card).map(drop), EINVAL);
            check_eq!(ring::<OwnBit, Buffer<'_>>(dma, 1, &card)?.room(), 1);
            check_eq!(ring::<DoneBit, Buffer<'_>>(dma, 2, &card)?.room(), 1);
            Ok(())
        })
    }

    #[test]
    fn descriptor_that_is_not_made_leaves_the_ring() -> Result {
        each_dma(ALL, |dma| {
            let card = Card::new(Scripted::busy());
            let pool = pool(dma)?;
            let mut ring = ring::<OwnBit, _>(dma, 2, &card)?;
            let mut peer = Peer::of(dma, &ring);
            for seed in 0..5 {
                let mut buffer = pool.take()?;
                crate::pattern::fill(buffer.as_mut_slice(), seed, 0);
                let failed = ring.post(buffer, |_| Err(EPERM)).err().ok_or(EINVAL)?;
                check_eq!(failed.error, EPERM);
                check!(crate::pattern::holds(failed.buffer.as_slice(), seed, 0));
                check_eq!(
                    (ring.used(), ring.publish(|bell| bell)),
                    (0, u32::from(seed) % 2)
                );
                check_err!(peer.work::<OwnBit>(seed), EAGAIN);
                drop(failed);

                let address = post(&mut ring, &pool, seed)?;
                ring.publish(|_| ());
                peer.work::<OwnBit>(seed)?;
                check_completed(popped(ring.pop())?, address, seed)?;
            }
            Ok(())
        })
    }

    /// A device that polls finds the first of a batch last.
    #[test]
    fn oldest_slot_is_given_last() -> Result {
        each_dma(ALL, |dma| {
            let card = Card::new(Scripted::busy());
            let pool = pool(dma)?;
            let mut ring = ring::<OwnBit, _>(dma, 5, &card)?;
            for seed in 0..5 {
                post(&mut ring, &pool, seed)?;
            }
            let peer = Peer::of(dma, &ring);
            ring.publish(|_| {
                // All of them have a sign when the doorbell is rung.
                for index in 0..5 {
                    check!(peer.read(index)?.status.get() & OWN != 0);
                }
                Ok(())
            })
        })
    }
}
