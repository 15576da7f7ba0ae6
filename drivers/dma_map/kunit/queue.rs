// SPDX-License-Identifier: GPL-2.0

//! Queues of commands: submissions, completions and their owners, with a device that is honest or not.

mod end;
mod hostile;
mod order;

use crate::{
    check::*,
    device_side,
    engines::Scripted,
    fixture::*,
    pattern, //
};
use dma_map::{
    descriptor_ring::{
        Capacity,
        Completes,
        Lap,
        Place,
        Progress,
        Protocol, //
    },
    endian::Le,
    queue::{
        Commands,
        Completion,
        CompletionQueue,
        SubmissionQueue,
        Tagged, //
    },
    Bidirectional,
    DmaCoherent,
    DmaDevice,
    Gfp,
    MappedBuffer,
    MappedPool,
    MappedPoolOptions,
    Untrusted, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// A command, in the submission queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, FromBytes, IntoBytes)]
#[repr(C)]
struct Command {
    tag: Le<u16>,
    seed: Le<u16>,
    len: Le<u32>,
    address: Le<u64>,
}

/// An entry of the completion queue, as NVMe's: the phase is a bit of the last word.
#[derive(Clone, Copy, Debug, Default, PartialEq, FromBytes, IntoBytes)]
#[repr(C)]
struct Entry {
    result: Le<u32>,
    reserved: Le<u32>,
    head: Le<u16>,
    queue: Le<u16>,
    tag: Le<u16>,
    status: Le<u16>,
}

struct Nvme<const BITS: u32>;

impl<const BITS: u32> Protocol for Nvme<BITS> {
    type Slot = Entry;
    type Sign = Le<u16>;
    const SIGN: usize = core::mem::offset_of!(Entry, status);
    const CAPACITY: Capacity = Capacity::AllButOne;

    fn progress(status: Le<u16>, lap: Lap) -> Progress {
        if status.get() & 0x8000 != 0 {
            return Progress::Impossible;
        }
        if (status.get() & 1 != 0) == lap.phase() {
            Progress::Done
        } else {
            Progress::Pending
        }
    }
}

impl<const BITS: u32> Tagged for Nvme<BITS> {
    type Command = Command;
    const TAG_BITS: u32 = BITS;

    fn set_tag(command: &mut Command, tag: u32) {
        command.tag = (tag as u16).into();
    }

    fn tag(entry: &Entry) -> u32 {
        entry.tag.get().into()
    }

    fn head(entry: &Entry) -> Option<u32> {
        Some(entry.head.get().into())
    }
}

// SAFETY: There is no device but the cases, which access memory between calls of the library.
unsafe impl<const BITS: u32> Completes<Nvme<BITS>> for Scripted {}

type Pool<'b> = MappedPool<'b, u8, Bidirectional>;
type Buffer<'b> = MappedBuffer<'b, u8, Bidirectional>;
type Completions<'b, 'e, const BITS: u32> = CompletionQueue<'b, Nvme<BITS>, &'e Scripted>;
type Table<'b, 'e, const BITS: u32> = Commands<'b, Nvme<BITS>, &'e Scripted, Buffer<'b>>;

/// Bytes in a buffer.
const ROOM: usize = 500;

/// A pair of queues, and the commands in them.
struct Pair<'b, 'e, const BITS: u32> {
    dma: DmaDevice<'b>,
    engine: &'e Scripted,
    pool: Pool<'b>,
    completions: Completions<'b, 'e, BITS>,
    commands: Table<'b, 'e, BITS>,
}

impl<'b, 'e, const BITS: u32> Pair<'b, 'e, BITS> {
    /// Makes queues of `slots` and `entries`, and a table of `len`. What was in the memory before does not
    /// matter.
    fn new(
        dma: DmaDevice<'b>,
        engine: &'e Scripted,
        (slots, entries, len): (usize, usize, u32),
    ) -> Result<Self> {
        let pool = MappedPool::new(
            dma,
            c"kunit",
            ROOM,
            Bidirectional,
            MappedPoolOptions::new(32),
        )?;
        let mut memory = DmaCoherent::<[Entry]>::zeroed_slice(dma, entries, Gfp::Kernel)?;
        memory.as_mut_bytes().fill(1);
        let mut completions = CompletionQueue::new(memory, engine)?;
        let mut memory = DmaCoherent::<[Command]>::zeroed_slice(dma, slots, Gfp::Kernel)?;
        memory.as_mut_bytes().fill(1);
        let commands = Commands::new(memory, &mut completions, len)?;
        Ok(Self {
            dma,
            engine,
            pool,
            completions,
            commands,
        })
    }

    fn peer(&self, slots: u32, entries: u32) -> Peer<'b> {
        Peer {
            dma: self.dma,
            commands: self.commands.dma_address(),
            slots,
            head: 0,
            entries: self.completions.dma_address(),
            len: entries,
            tail: Place::FIRST,
        }
    }

    /// Posts a buffer that holds the pattern `seed`.
    fn post(&mut self, seed: u8) -> Result<u32> {
        let mut buffer = self.pool.take()?;
        pattern::fill(buffer.as_mut_slice(), seed, 0);
        Ok(self.commands.post(buffer, |room| {
            Ok(Command {
                tag: 0xffff.into(),
                seed: u16::from(seed).into(),
                len: u32::try_from(room.len())?.into(),
                address: room.address().into(),
            })
        })?)
    }

    /// Posts and publishes. Returns the tag.
    fn send(&mut self, seed: u8) -> Result<u32> {
        let tag = self.post(seed)?;
        self.commands.publish(|_| ());
        Ok(tag)
    }

    fn pop(&mut self) -> Result<Completion<Nvme<BITS>>> {
        self.completions.pop()?.ok_or(ENODATA)
    }

    /// Takes the next command that was completed, and checks that it is that of `seed`.
    fn take(&mut self, seed: u8) -> Result {
        let completion = self.pop()?;
        let (entry, buffer) = self.commands.take(completion)?;
        entry.map(|entry| entry.result.get()).exactly(seed.into())?;
        check!(pattern::holds(buffer.as_slice(), !seed, 0));
        Ok(())
    }

    /// Checks that this many commands are under way, and that nobody was asked or stopped.
    fn check_unchanged(&self, used: usize) -> Result {
        check_eq!(
            (self.commands.used(), self.pool.stats().in_use),
            (used, used)
        );
        check_eq!((self.engine.asked(), self.engine.stopped()), (0, 0));
        Ok(())
    }
}

/// The device's side of both queues.
struct Peer<'b> {
    dma: DmaDevice<'b>,
    commands: DmaAddress,
    slots: u32,
    head: u32,
    entries: DmaAddress,
    len: u32,
    tail: Place,
}

impl Peer<'_> {
    /// Fetches the next command.
    fn fetch(&mut self) -> Result<Command> {
        let at = DmaAddress::from(self.head) * size_of::<Command>() as DmaAddress;
        let mut command = Command::default();
        device_side::read(self.dma, self.commands + at, command.as_mut_bytes())?;
        self.head += 1;
        if self.head == self.slots {
            self.head = 0;
        }
        Ok(command)
    }

    /// Does what the command says.
    fn execute(&self, command: Command) -> Result {
        let (address, len) = (command.address.get(), command.len.get() as usize);
        let seed = u8::try_from(command.seed.get())?;
        check_eq!(len, ROOM);
        check!(device_side::finds_at(self.dma, address, len, seed)?);
        device_side::fill_at(self.dma, address, len, !seed)
    }

    /// Writes an entry, as it is.
    fn write(&mut self, mut entry: Entry) -> Result {
        let at = DmaAddress::from(self.tail.index) * size_of::<Entry>() as DmaAddress;
        device_side::write(self.dma, self.entries + at, entry.as_mut_bytes())
    }

    /// Writes an entry with the phase of its lap, and goes on to the next one.
    fn report(&mut self, mut entry: Entry) -> Result {
        entry.status = u16::from(self.tail.lap.phase()).into();
        self.write(entry)?;
        self.tail = self.tail.after(self.len);
        Ok(())
    }

    fn complete(&mut self, command: Command) -> Result {
        self.report(Entry {
            result: u32::from(command.seed.get()).into(),
            head: (self.head as u16).into(),
            tag: command.tag,
            ..Default::default()
        })
    }

    /// Fetches, executes and completes a command.
    fn work(&mut self) -> Result {
        let command = self.fetch()?;
        self.execute(command)?;
        self.complete(command)
    }
}

#[kunit_tests(dma_map_queue)]
mod tests {
    use super::*;

    #[test]
    fn commands_complete_in_order_over_laps() -> Result {
        each_dma(ALL, |dma| {
            for (slots, entries, len) in [(2, 2, 1), (3, 5, 2), (8, 4, 7), (5, 16, 3), (4, 4, 9)] {
                let engine = Scripted::busy();
                let mut pair = Pair::<16>::new(dma, &engine, (slots, entries, len))?;
                let mut peer = pair.peer(slots as u32, entries as u32);
                let room = pair.commands.room();
                check_eq!(room, len.min(slots as u32 - 1));
                let mut seed = 0u8;
                for _ in 0..30 {
                    let batch = room.min(entries as u32 - 1) as u8;
                    for i in 0..batch {
                        pair.post(seed.wrapping_add(i))?;
                    }
                    let tail = pair.commands.publish(|tail| tail);
                    check_eq!(
                        tail as usize,
                        (peer.head as usize + usize::from(batch)) % slots
                    );
                    check_eq!(pair.commands.used(), batch.into());
                    for _ in 0..batch {
                        peer.work()?;
                    }
                    for i in 0..batch {
                        pair.take(seed.wrapping_add(i))?;
                    }
                    check!(pair.completions.pop()?.is_none());
                    let head = pair.completions.release(|head| head);
                    check_eq!(head, peer.tail.index);
                    check_eq!(pair.commands.room(), room);
                    seed = seed.wrapping_add(batch);
                }
                pair.check_unchanged(0)?;
            }
            Ok(())
        })
    }

    #[test]
    fn commands_complete_in_any_order() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mut pair = Pair::<16>::new(dma, &engine, (8, 8, 5))?;
            let mut peer = pair.peer(8, 8);
            for round in 0..20u8 {
                let mut commands = [Command::default(); 5];
                for (i, command) in commands.iter_mut().enumerate() {
                    let tag = pair.send(10 * round + i as u8)?;
                    *command = peer.fetch()?;
                    check_eq!(u32::from(command.tag.get()), tag);
                }
                check_err!(pair.post(0), EBUSY);
                for i in [3, 0, 4, 1, 2] {
                    peer.execute(commands[i])?;
                    peer.complete(commands[i])?;
                    pair.take(10 * round + i as u8)?;
                }
                pair.completions.release(|_| ());
            }
            pair.check_unchanged(0)
        })
    }

    #[test]
    fn place_that_is_free_for_the_longest_time_is_next() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mut pair = Pair::<16>::new(dma, &engine, (8, 8, 4))?;
            let mut peer = pair.peer(8, 8);
            let mut tags = [0; 12];
            for (i, tag) in tags.iter_mut().enumerate() {
                *tag = pair.send(i as u8)?;
                peer.work()?;
                pair.take(i as u8)?;
                pair.completions.release(|_| ());
            }
            // The place is in the low bits, and the generation above.
            check_eq!(tags, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
            Ok(())
        })
    }

    #[test]
    fn tables_have_as_many_places_as_tags_can_tell() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            for (len, fits) in [(0, false), (1, true), (7, true), (8, true), (9, false)] {
                let made = Pair::<3>::new(dma, &engine, (4, 4, len)).map(drop);
                check_eq!(made, if fits { Ok(()) } else { Err(EINVAL) });
            }
            check_err!(Pair::<16>::new(dma, &engine, (1, 4, 4)).map(drop), EINVAL);
            check_err!(Pair::<16>::new(dma, &engine, (4, 1, 4)).map(drop), EINVAL);
            Ok(())
        })
    }

    #[test]
    fn queue_has_one_table() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mut pair = Pair::<16>::new(dma, &engine, (4, 4, 4))?;
            let mut peer = pair.peer(4, 4);
            let slots = || DmaCoherent::<[Command]>::zeroed_slice(dma, 4, Gfp::Kernel);
            pair.send(1)?;
            let second = Table::new(slots()?, &mut pair.completions, 4);
            check_err!(second.map(drop), EBUSY);
            // The first one goes on.
            pair.check_unchanged(1)?;
            peer.work()?;
            pair.take(1)
        })
    }

    /// Without a message: the kernel warns of such a size, unless it is told not to.
    #[test]
    fn table_that_no_allocation_can_hold_is_enomem() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let made = Pair::<32>::new(dma, &engine, (4, 4, 1 << 22));
            check_err!(made.map(drop), ENOMEM);
            Ok(())
        })
    }

    #[test]
    fn what_is_not_sent_comes_back() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mut pair = Pair::<16>::new(dma, &engine, (3, 4, 8))?;
            let mut buffer = pair.pool.take()?;
            pattern::fill(buffer.as_mut_slice(), 1, 0);
            let failed = pair.commands.post(buffer, |_| Err(EPERM));
            let failed = failed.err().ok_or(EINVAL)?;
            check_eq!(failed.error, EPERM);
            check!(pattern::holds(failed.buffer.as_slice(), 1, 0));
            check_eq!(
                (pair.commands.used(), pair.commands.publish(|tail| tail)),
                (0, 0)
            );

            // There are tags, and no slots.
            pair.post(2)?;
            pair.post(3)?;
            check_eq!(pair.commands.room(), 0);
            let failed = pair.commands.post(failed.buffer, |_| Err(EPERM));
            check_eq!(failed.err().ok_or(EINVAL)?.error, EBUSY);
            Ok(())
        })
    }

    #[test]
    fn submissions_without_a_table() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let slots = DmaCoherent::<[u32]>::zeroed_slice(dma, 3, Gfp::Kernel)?;
            let mut queue = SubmissionQueue::new(slots, &engine)?;
            for round in 0..9u32 {
                queue.push(round)?;
                queue.push(round)?;
                check_err!(queue.push(7), EBUSY);
                let tail = queue.publish(|tail| tail);
                check_eq!(tail, (2 * round + 2) % 3);
                for lie in [3, 4, u32::MAX] {
                    check_err!(queue.reclaim(Untrusted::new(lie)), EBADMSG);
                }
                check_eq!(queue.room(), 0);
                check_eq!(queue.reclaim(Untrusted::new((2 * round + 1) % 3))?, 1);
                // And back is a lie.
                check_err!(queue.reclaim(Untrusted::new(2 * round % 3)), EBADMSG);
                check_eq!(queue.reclaim(Untrusted::new(tail))?, 1);
                check_eq!(queue.room(), 2);
            }
            Ok(())
        })
    }
}
