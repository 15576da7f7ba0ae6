// SPDX-License-Identifier: GPL-2.0

//! Hostile devices: wrong, duplicate and late tags, heads that cannot be, and phases without work.

use super::*;
use core::cell::Cell;

/// An entry that may be changed by a shared reference.
#[derive(FromBytes, IntoBytes)]
#[repr(C)]
struct Changeable {
    tag: Cell<u32>,
    phase: u32,
}

struct Changing;

impl Protocol for Changing {
    type Slot = Changeable;
    type Sign = u32;
    const SIGN: usize = core::mem::offset_of!(Changeable, phase);
    const CAPACITY: Capacity = Capacity::AllButOne;

    fn progress(phase: u32, lap: Lap) -> Progress {
        if (phase != 0) == lap.phase() {
            Progress::Done
        } else {
            Progress::Pending
        }
    }
}

impl Tagged for Changing {
    type Command = u32;
    const TAG_BITS: u32 = 2;

    fn set_tag(command: &mut u32, tag: u32) {
        *command = tag;
    }

    fn tag(entry: &Changeable) -> u32 {
        entry.tag.get()
    }
}

// SAFETY: There is no device but the case, which accesses memory between calls of the library.
unsafe impl Completes<Changing> for Scripted {}

/// An entry with a tag and a head.
fn entry(tag: u32, head: u32) -> Entry {
    Entry {
        tag: (tag as u16).into(),
        head: (head as u16).into(),
        ..Default::default()
    }
}

#[kunit_tests(dma_map_queue_hostile)]
mod tests {
    use super::*;

    #[test]
    fn wrong_tag_is_ebadmsg() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mut pair = Pair::<16>::new(dma, &engine, (8, 32, 5))?;
            let mut peer = pair.peer(8, 32);
            let tag = pair.send(1)?;
            check_eq!(tag, 0);
            // A free place, places that the table does not have, and other generations.
            for lie in [1, 4, 5, 6, 7, 8, 16, 1 << 15, 0xfff8, 0xffff] {
                peer.report(entry(lie, 1))?;
                let completion = pair.pop()?;
                check_err!(pair.commands.take(completion).map(drop), EBADMSG);
                pair.check_unchanged(1)?;
                check_eq!(pair.commands.room(), 4);
            }
            peer.work()?;
            pair.take(1)?;
            pair.check_unchanged(0)
        })
    }

    #[test]
    fn command_that_is_completed_twice_ends_once() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            // One place, so that the next command has the same one.
            let mut pair = Pair::<16>::new(dma, &engine, (4, 4, 1))?;
            let mut peer = pair.peer(4, 4);
            for seed in 0..40 {
                let tag = pair.send(seed)?;
                peer.work()?;
                pair.take(seed)?;
                peer.report(entry(tag, peer.head))?;
                let twice = pair.pop()?;
                check_err!(pair.commands.take(twice).map(drop), EBADMSG);
                pair.check_unchanged(0)?;
                pair.completions.release(|_| ());

                let next = pair.send(seed)?;
                check!(next != tag);
                peer.report(entry(tag, peer.head))?;
                let late = pair.pop()?;
                check_err!(pair.commands.take(late).map(drop), EBADMSG);
                pair.check_unchanged(1)?;
                peer.work()?;
                pair.take(seed)?;
                pair.completions.release(|_| ());
            }
            Ok(())
        })
    }

    #[test]
    fn head_that_cannot_be_is_ebadmsg() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mut pair = Pair::<16>::new(dma, &engine, (5, 32, 8))?;
            let mut peer = pair.peer(5, 32);
            // Three slots in use, over the end of the queue.
            for seed in 0..3 {
                pair.send(seed)?;
                peer.work()?;
                pair.take(seed)?;
            }
            let mut last = 0;
            for seed in 0..3 {
                last = pair.send(seed)?;
            }
            let room = pair.commands.room();
            for lie in [2, 5, 6, 0xffff] {
                peer.report(entry(last, lie))?;
                let completion = pair.pop()?;
                // The tag is right, and it stays under way.
                check_err!(pair.commands.take(completion).map(drop), EBADMSG);
                pair.check_unchanged(3)?;
                check_eq!(pair.commands.room(), room);
            }
            for seed in 0..3 {
                peer.work()?;
                pair.take(seed)?;
            }
            pair.check_unchanged(0)
        })
    }

    #[test]
    fn phase_that_turns_without_work_ends_nothing() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mut pair = Pair::<16>::new(dma, &engine, (8, 8, 5))?;
            let mut peer = pair.peer(8, 8);
            for _ in 0..5 {
                for _ in 0..8 {
                    peer.report(entry(0, 0))?;
                }
                // No more than the device can have written without a new head.
                let mut count = 0;
                while let Some(completion) = pair.completions.pop()? {
                    check_err!(pair.commands.take(completion).map(drop), EBADMSG);
                    count += 1;
                    check!(count < 8);
                }
                check_eq!(count, 7);
                pair.completions.release(|_| ());
                let completion = pair.pop()?;
                check_err!(pair.commands.take(completion).map(drop), EBADMSG);
                pair.completions.release(|_| ());
                pair.check_unchanged(0)?;
            }
            Ok(())
        })
    }

    /// Without generations, nothing but the order tells such a report from one that is right.
    #[test]
    fn command_that_was_not_published_is_not_reported() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mut pair = Pair::<1>::new(dma, &engine, (4, 8, 2))?;
            let mut peer = pair.peer(4, 8);
            for seed in 0..5 {
                let tag = pair.post(seed)?;
                peer.report(entry(tag, peer.head))?;
                let early = pair.pop()?;
                check_err!(pair.commands.take(early).map(drop), EBADMSG);
                pair.check_unchanged(1)?;
                pair.commands.publish(|_| ());
                peer.work()?;
                pair.take(seed)?;
                pair.completions.release(|_| ());
            }
            pair.check_unchanged(0)
        })
    }

    #[test]
    fn tag_that_is_changed_later_does_not_count() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let pair = Pair::<16>::new(dma, &engine, (4, 4, 1))?;
            let memory = DmaCoherent::<[Changeable]>::zeroed_slice(dma, 4, Gfp::Kernel)?;
            let mut completions = CompletionQueue::<Changing, _>::new(memory, &engine)?;
            let memory = DmaCoherent::<[u32]>::zeroed_slice(dma, 4, Gfp::Kernel)?;
            let mut commands = Commands::new(memory, &mut completions, 4)?;
            for seed in 0..2 {
                let mut buffer = pair.pool.take()?;
                pattern::fill(buffer.as_mut_slice(), seed, 0);
                let posted = commands.post(buffer, |_| Ok(0));
                check_eq!(posted.map_err(Error::from)?, u32::from(seed));
            }
            commands.publish(|_| ());
            // Tag 0, in the first lap.
            let at = completions.dma_address();
            device_side::write(dma, at, &[0, 0, 0, 0, 1, 0, 0, 0])?;
            let completion = completions.pop()?.ok_or(ENODATA)?;
            let _ = completion.part(|entry| entry.tag.set(1));
            let (_, buffer) = commands.take(completion)?;
            check!(pattern::holds(buffer.as_slice(), 0, 0));
            check_eq!(commands.used(), 1);
            Ok(())
        })
    }

    #[test]
    fn sign_that_cannot_be_is_ebadmsg() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mut pair = Pair::<16>::new(dma, &engine, (8, 8, 5))?;
            let mut peer = pair.peer(8, 8);
            let tag = pair.send(1)?;
            for status in [0x8000, 0x8001, 0xffff] {
                peer.write(Entry {
                    status: status.into(),
                    ..entry(tag, 1)
                })?;
                check_err!(pair.completions.pop().map(drop), EBADMSG);
                pair.check_unchanged(1)?;
            }
            peer.work()?;
            pair.take(1)
        })
    }

    #[test]
    fn completion_of_another_queue_is_einval() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mut pair = Pair::<16>::new(dma, &engine, (8, 8, 5))?;
            let mut other = Pair::<16>::new(dma, &engine, (8, 8, 5))?;
            let mut peer = pair.peer(8, 8);
            check_eq!((pair.send(1)?, other.send(2)?), (0, 0));
            peer.work()?;
            let completion = pair.pop()?;
            check_err!(other.commands.take(completion).map(drop), EINVAL);
            other.check_unchanged(1)?;
            pair.check_unchanged(1)
        })
    }

    #[test]
    fn completion_from_before_a_cancel_is_einval() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            // Tags without a generation: only the queue's name tells.
            let mut pair = Pair::<1>::new(dma, &engine, (8, 8, 2))?;
            let mut peer = pair.peer(8, 8);
            let tag = pair.send(1)?;
            peer.work()?;
            let old = pair.pop()?;
            pair.commands.cancel(&mut pair.completions, |_, _| ())?;
            pair.send(2)?;
            check_eq!(pair.send(3)?, tag);
            check_err!(pair.commands.take(old).map(drop), EINVAL);
            check_eq!(pair.commands.used(), 2);
            Ok(())
        })
    }
}
