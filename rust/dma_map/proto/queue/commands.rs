// SPDX-License-Identifier: GPL-2.0

//! Table of commands: the owner of the memory of each command, by tag.

use super::{
    completion::{
        Completion,
        CompletionQueue,
        Entries,
        Name, //
    },
    places::Places,
    submission::SubmissionQueue,
    Tagged, //
};
use crate::{
    coherent::DmaCoherent,
    engine::{
        self,
        Engine, //
    },
    error::MapError,
    generic::variance::CrateToken,
    proto::{
        descriptor_ring::Completes,
        untrusted::Untrusted, //
    },
    transfer::{
        Handle,
        Post, //
    },
};
use kernel::{
    dma::DmaAddress,
    prelude::*,
    sync::Arc, //
};

/// The pieces of posted memory, of which a command is made.
type PiecesOf<'a, H, E> = <<H as Post>::Posted<<E as Engine>::Mark> as Handle>::Pieces<'a>;

/// A command that is under way.
struct Command<M> {
    /// How many commands were posted before it.
    number: u64,
    memory: M,
}

/// Where a table learns the head of its submission queue: from one source, because the head of another
/// one may be older.
#[derive(Clone, Copy)]
enum Heads {
    /// From entries. This is the number of the newest one that told a head, or 0.
    Entries(u64),
    /// From calls of [`Commands::reclaim`].
    Calls,
}

/// The commands that are under way, each with the memory that it owns, and the submission queue that they
/// are in; stopped and freed on drop.
///
/// The calls have no lock inside: a table that an interrupt handler shares with others needs one. None
/// allocates.
///
/// Dropping a table with commands under way stops the engine, and drops their memory. If the device cannot
/// be stopped, the memory is quarantined (see [`Engine::quiesce`]). A table that is leaked leaks its memory,
/// and the device can do no harm. Drop context: any.
///
/// # Examples
///
/// ```ignore
/// # #[repr(C)]
/// # #[derive(FromBytes, IntoBytes)]
/// # struct Read { opcode: Le<u16>, tag: Le<u16>, len: Le<u32>, address: Le<u64> }
/// # const TAIL: usize = 0x10;
/// # fn example<'b, P: Tagged<Command = Read>, E: Completes<P> + Clone>(
/// #     dma: DmaDevice<'b>,
/// #     completions: &mut CompletionQueue<'b, P, E>,
/// #     pool: &MappedPool<'b, u8, FromDevice>,
/// #     regs: &pci::Bar<'_>,
/// # ) -> Result {
/// let slots = DmaCoherent::<[Read]>::zeroed_slice(dma, 64, Gfp::Kernel)?;
/// let mut commands = Commands::new(slots, completions, 63)?;
///
/// let tag = commands.post(pool.take()?, |room| {
///     Ok(Read {
///         opcode: 2.into(),
///         tag: 0.into(), // The table writes it.
///         len: u32::try_from(room.len())?.into(),
///         address: room.address().into(),
///     })
/// })?;
/// commands.publish(|tail| regs.try_write32(tail, TAIL))?;
/// # let _ = tag;
/// # Ok(())
/// # }
/// ```
///
/// # Invariants
///
/// - `name` is that of the completion queue that was claimed for this table, or was until that queue was
///   dropped. The engine of `queue` is a clone of that queue's, and `_entries` are its entries.
/// - The commands in `queue` are those of `places`, with the tags of their places.
/// - The device was told of the commands whose number is below `published`, and of no others.
/// - The slots of `queue` in use are as `heads` says: as of the newest entry that told a head and was taken,
///   or as of the last call of `reclaim`.
/// - No device but that of the engine was told of the memory.
pub struct Commands<'bound, P: Tagged, E: Completes<P>, H: Post> {
    queue: SubmissionQueue<'bound, P::Command, E>,
    places: Places<P, Command<H::Posted<E::Mark>>>,
    /// Where the device reports the commands, also when the completion queue was dropped.
    _entries: Arc<Entries<'bound, P, E>>,
    name: Name,
    /// The number of commands that were ever posted, and of those that were published.
    posted: u64,
    published: u64,
    heads: Heads,
}

impl<'bound, P: Tagged, E: Completes<P>, H: Post> Commands<'bound, P, E, H> {
    /// Makes a table of `len` commands, and a submission queue of `slots`, which are zeroed. The completions
    /// come by `queue`, which has one table.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: `len` is 0, or more than tags of [`Tagged::TAG_BITS`] can tell apart; or there are fewer
    ///   than two slots, or more than [`MAX_LEN`](crate::descriptor_ring::window::MAX_LEN).
    /// - `ENOMEM`: no memory for the table.
    /// - `EBUSY`: the completion queue has a table, or had one.
    pub fn new(
        slots: DmaCoherent<'bound, [P::Command]>,
        queue: &mut CompletionQueue<'bound, P, E>,
        len: u32,
    ) -> Result<Self>
    where
        E: Clone,
    {
        // Asked before the slots are given to the engine: their drop would stop the device of the table that
        // there is.
        if queue.is_claimed() {
            return Err(EBUSY);
        }
        let places = Places::new(len)?;
        let submissions = SubmissionQueue::new(slots, queue.engine().clone())?;
        let (name, entries) = queue.claim();
        // INVARIANT: The queue was claimed, the name and the entries are its, and the engine a clone of its
        // engine. No command is under way.
        Ok(Self {
            queue: submissions,
            places,
            _entries: entries,
            name,
            posted: 0,
            published: 0,
            heads: Heads::Entries(0),
        })
    }

    /// Returns the address of the first slot of the submission queue.
    #[inline]
    pub fn dma_address(&self) -> DmaAddress {
        self.queue.dma_address()
    }

    /// Returns the engine.
    #[inline]
    pub fn engine(&self) -> &E {
        self.queue.engine()
    }

    /// Returns the number of commands that can be posted: there are so many free tags, and free slots of
    /// the submission queue.
    #[inline]
    pub fn room(&self) -> u32 {
        self.places.free().min(self.queue.room())
    }

    /// Returns the number of commands that are under way.
    #[inline]
    pub fn used(&self) -> usize {
        self.places.used() as usize
    }

    /// Puts a command into the submission queue, which `describe` makes of the memory's pieces, and writes a
    /// tag into it ([`Tagged::set_tag`]). The table owns the memory from here on. Returns the tag.
    ///
    /// The device gets the command with the next [`publish`](Self::publish). The memory must be mapped for the
    /// table's device, as [`Completes`] requires.
    ///
    /// Context: any, if `describe` does not sleep. Syncs the memory for the device.
    ///
    /// # Errors
    ///
    /// The memory comes back with each of them:
    ///
    /// - `EBUSY`: no tag is free, or the queue is full.
    /// - The error of `describe`.
    #[inline]
    pub fn post(
        &mut self,
        memory: H,
        describe: impl for<'a> FnOnce(PiecesOf<'a, H, E>) -> Result<P::Command>,
    ) -> Result<u32, MapError<H>> {
        let vacant = match self.queue.room() {
            0 => None,
            _ => self.places.vacant(),
        };
        let Some(vacant) = vacant else {
            return Err(MapError {
                error: EBUSY,
                buffer: memory,
            });
        };
        let tag = vacant.tag();

        let memory = memory.post(CrateToken(()));
        // SAFETY: The memory was posted, and is not taken out of this state while the pieces are borrowed:
        // `describe` does not know how long they live.
        let pushed = describe(unsafe { memory.pieces() }).and_then(|mut descriptor| {
            P::set_tag(&mut descriptor, tag);
            Ok(self.queue.push(descriptor)?)
        });
        if let Err(error) = pushed {
            return Err(MapError {
                error,
                // SAFETY: No device was told of the memory: only a command tells it (safety requirements of
                // `Completes`), and none was written to the queue.
                buffer: unsafe { memory.finish() },
            });
        }
        // INVARIANT: The command is in the queue, with the tag of its place. The device was not told of it: its
        // number is not below `published`.
        vacant.fill(Command {
            number: self.posted,
            memory,
        });
        // 64 bits do not wrap.
        self.posted = self.posted.wrapping_add(1);
        Ok(tag)
    }

    /// Gives all commands that were posted to the device, after all earlier writes: calls `doorbell` with
    /// the tail of the submission queue, which is less than the number of slots. The commands count as given
    /// also if `doorbell` fails: the next call tells of all of them.
    ///
    /// Context: that of `doorbell`.
    #[inline]
    pub fn publish<R>(&mut self, doorbell: impl FnOnce(u32) -> R) -> R {
        // INVARIANT: The device is told of all commands that were posted.
        self.published = self.posted;
        self.queue.publish(doorbell)
    }

    /// Takes back the slots of the submission queue before `head`, where no entry tells the head
    /// ([`Tagged::head`]). See [`SubmissionQueue::reclaim`]. From here on, `take` ignores heads of entries.
    ///
    /// `head` must be no older than that of the last call, as [`Completes`] requires. Context: any.
    ///
    /// # Errors
    ///
    /// Nothing changes with either of them:
    ///
    /// - `EBADMSG`: the device cannot be there.
    /// - `EINVAL`: an entry has told a head, so `head` may be older.
    #[inline]
    pub fn reclaim(&mut self, head: Untrusted<u32>) -> Result<u32> {
        if !matches!(self.heads, Heads::Entries(0) | Heads::Calls) {
            return Err(EINVAL);
        }
        let new = self.queue.reclaim(head)?;
        // INVARIANT: The slots in use are as of this call.
        self.heads = Heads::Calls;
        Ok(new)
    }

    /// Takes the memory of the command that `completion` reports, and the slots of the submission queue
    /// before the head that it tells, if it does. Completions may be taken in any order: the head of an
    /// older one says nothing new, and is ignored.
    ///
    /// Context: any. Syncs the memory for the CPU.
    ///
    /// # Errors
    ///
    /// The table and its queue do not change with either of them. The completion is gone: a command that it
    /// reported stays under way until another entry reports it, or until a [`cancel`](Self::cancel).
    ///
    /// - `EBADMSG`: no command with this tag was given to the device and is under way: the device made the
    ///   tag up, or reports a command twice, or late, or before it was published. Or its head is none that
    ///   the submission queue can have.
    /// - `EINVAL`: the completion is not of this table's queue, or is from before a `cancel`.
    #[inline]
    pub fn take(&mut self, completion: Completion<P>) -> Result<(Untrusted<P::Slot>, H)> {
        let (report, entry) = completion.of(self.name)?;
        let command = self.places.get(report.tag).ok_or(EBADMSG)?;
        if command.number >= self.published {
            return Err(EBADMSG);
        }
        let window = match (self.heads, report.head) {
            (Heads::Entries(newest), Some(head)) if report.number > newest => {
                Some(self.queue.after(head)?)
            }
            _ => None,
        };
        let command = self.places.take(report.tag).ok_or(EBADMSG)?;
        if let Some(window) = window {
            self.queue.accept(window);
            // INVARIANT: The slots in use are as of this entry.
            self.heads = Heads::Entries(report.number);
        }
        // SAFETY: The command was given to the device: its number is below `published`. The table's queue has
        // an entry with its tag, as the device wrote it (type invariants of `Completion`). So the device is
        // done with its memory (safety requirements of `Completes`). No other device was told of it (type
        // invariants).
        Ok((Untrusted::new(entry), unsafe { command.memory.finish() }))
    }

    /// Stops the device unless it is idle, and calls `each` with the tag and the memory of each command
    /// under way. Afterwards both queues are as new: `queue`, the table's completion queue, and the
    /// submission queue. All of their slots are zeroed, and the first one is next.
    ///
    /// How much the device has moved is not known. Set the device's side of the queues up again before the
    /// next [`publish`](Self::publish), also if the engine was idle: [`Completes`] requires it. Context: any, if
    /// `each` does not sleep.
    ///
    /// # Errors
    ///
    /// Nothing changes with either of them:
    ///
    /// - `EBUSY`: the device cannot be stopped.
    /// - `EINVAL`: this is not the table's queue.
    pub fn cancel(
        &mut self,
        queue: &mut CompletionQueue<'_, P, E>,
        each: impl FnMut(u32, H),
    ) -> Result {
        if self.name != queue.name() {
            return Err(EINVAL);
        }
        if !engine::stop(self.queue.engine()) {
            return Err(EBUSY);
        }
        queue.reset();
        self.queue.reset();
        // INVARIANT: The name is the queue's.
        self.name = queue.name();
        // SAFETY: The engine is idle or was stopped.
        unsafe { self.finish_all(each) };
        Ok(())
    }

    /// Calls `each` with all commands under way, and ends them.
    ///
    /// # Safety
    ///
    /// The engine must be idle, or must have been stopped since the device was told of the commands.
    unsafe fn finish_all(&mut self, mut each: impl FnMut(u32, H)) {
        self.places.take_all(|tag, command| {
            // SAFETY: The engine is idle or was stopped (function precondition). No other device was told of
            // the memory (type invariants).
            each(tag, unsafe { command.memory.finish() });
        });
    }
}

impl<P: Tagged, E: Completes<P>, H: Post> Drop for Commands<'_, P, E, H> {
    fn drop(&mut self) {
        // Memory is posted, so the device is stopped first. If that fails, what is posted is quarantined
        // when it is dropped.
        if self.used() != 0 && engine::stop(self.queue.engine()) {
            // SAFETY: The engine is idle or was stopped.
            unsafe { self.finish_all(|_, memory| drop(memory)) };
        }
    }
}
