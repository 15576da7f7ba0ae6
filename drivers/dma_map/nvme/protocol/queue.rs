// SPDX-License-Identifier: GPL-2.0

//! Queue pairs: commands in one ring, completions in another one.
//!
//! The rings are coherent memory. The controller says how far it has read the commands in each
//! completion, and marks a completion as new by a phase, which changes each time that it comes by an
//! entry. All that it says is checked before the state here changes.

use super::{
    command::Command,
    completion::{
        Completion,
        End,
        Queue,
        Status, //
    }, //
};
// Those of the `kernel` crate are calls.
use core::sync::atomic::{
    AtomicU32,
    Ordering::{
        Acquire,
        Relaxed,
        Release, //
    }, //
};
use dma_map::{
    barrier,
    endian::Le,
    DmaCoherent,
    DmaDevice,
    Engine,
    Gfp,
    Shared, //
};
use kernel::{
    dma::DmaAddress,
    io::{
        io_project,
        io_write,
        Io, //
    },
    prelude::*, //
};

/// The words of a command.
const WORDS: usize = size_of::<Command>() / 8;

/// The phase of a new completion, beside the index where it comes.
const PHASE: u32 = 1 << 16;

/// How a command has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) id: u16,
    pub(crate) result: u32,
    pub(crate) status: Status,
}

/// A queue pair.
///
/// Those who push commands take turns, and so do those who pop completions. The two may run at the same
/// time. Callers that do not take turns get commands that are lost, and completions that come twice: what
/// completions mean is checked by those who pop them.
///
/// # Invariants
///
/// Both rings have `entries` entries, and `tail`, `told`, `read` and the index in `head` are less.
pub(crate) struct QueuePair<'bound, E: Engine> {
    submissions: DmaCoherent<'bound, [[Le<u64>; WORDS]], Shared<E>>,
    completions: DmaCoherent<'bound, [Completion], Shared<E>>,
    /// The number of the queues.
    number: u16,
    entries: u16,
    /// Where the next command goes.
    tail: AtomicU32,
    /// Up to where the controller was told of commands.
    told: AtomicU32,
    /// Where the controller reads, as it said last.
    read: AtomicU32,
    /// Where the next completion comes, and its phase.
    head: AtomicU32,
}

impl<'bound, E: Engine + Clone> QueuePair<'bound, E> {
    /// Allocates the rings. `engine` is to say how the controller is kept from accessing them.
    ///
    /// # Errors
    ///
    /// `EINVAL`: fewer than 2 entries, or too many for an allocation. Those of
    /// [`DmaCoherent::zeroed_slice`].
    pub(crate) fn new(
        dma: DmaDevice<'bound>,
        number: u16,
        entries: u16,
        engine: E,
    ) -> Result<Self> {
        if entries < 2 {
            return Err(EINVAL);
        }
        let len = entries.into();
        let submissions = DmaCoherent::<[[Le<u64>; WORDS]]>::zeroed_slice(dma, len, Gfp::Kernel)?;
        let completions = DmaCoherent::<[Completion]>::zeroed_slice(dma, len, Gfp::Kernel)?;

        Ok(Self {
            submissions: submissions.give(engine.clone()),
            completions: completions.give(engine),
            number,
            entries,
            tail: AtomicU32::new(0),
            told: AtomicU32::new(0),
            read: AtomicU32::new(0),
            head: AtomicU32::new(PHASE),
        })
    }
}

impl<E: Engine> QueuePair<'_, E> {
    /// Returns the addresses of the rings: commands, completions.
    pub(crate) fn addresses(&self) -> (DmaAddress, DmaAddress) {
        (
            self.submissions.dma_address(),
            self.completions.dma_address(),
        )
    }

    /// Returns the number of entries of each ring.
    pub(crate) fn entries(&self) -> u16 {
        self.entries
    }

    /// Returns the index after `index`.
    #[inline]
    fn after(&self, index: u32) -> u32 {
        match index.wrapping_add(1) {
            next if next == u32::from(self.entries) => 0,
            next => next,
        }
    }

    /// Starts anew, for a controller that was reset, and does not access the rings. Nobody else uses them
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// None as long as the invariants hold.
    pub(crate) fn reset(&self) -> Result {
        let view = self.completions.view();
        for i in 0..usize::from(self.entries) {
            io_project!(view, [try: i]).copy_write(Completion::default());
        }
        for index in [&self.tail, &self.told, &self.read] {
            index.store(0, Relaxed);
        }
        self.head.store(PHASE, Relaxed);
        Ok(())
    }

    /// Writes a command to the ring. [`publish`](Self::publish) tells the controller.
    ///
    /// # Errors
    ///
    /// `EBUSY`: the ring is full. It holds one command less than it has entries.
    #[inline]
    pub(crate) fn push(&self, command: Command) -> Result {
        let tail = self.tail.load(Relaxed);
        let next = self.after(tail);
        // The entry is written after it was read that the controller has read it.
        if next == self.read.load(Acquire) {
            return Err(EBUSY);
        }
        let view = self.submissions.view();
        // CAST: To the wider type.
        let slot = io_project!(view, [try: tail as usize]);
        // Word by word, because a copy of the whole is a call.
        let words: [Le<u64>; WORDS] = zerocopy::transmute!(command);
        for (i, word) in words.into_iter().enumerate() {
            io_write!(slot, [try: i], word);
        }
        self.tail.store(next, Relaxed);
        Ok(())
    }

    /// Returns the new tail for the doorbell, if there are commands that the controller was not told of.
    /// From here on it may say that it has read them.
    #[inline]
    pub(crate) fn publish(&self) -> Option<u16> {
        let tail = self.tail.load(Relaxed);
        if tail == self.told.load(Relaxed) {
            return None;
        }
        self.told.store(tail, Relaxed);
        // CAST: Less than the number of entries (type invariants).
        Some(tail as u16)
    }

    /// Returns whether the controller has read all commands, as it said last.
    pub(crate) fn is_read(&self) -> bool {
        self.read.load(Relaxed) == self.tail.load(Relaxed)
    }

    /// Returns whether the controller may have read up to `head`: not before where it was, and not
    /// after what it was told of.
    #[inline]
    fn may_have_read(&self, head: u32) -> bool {
        let told = self.told.load(Relaxed);
        // As a rule it has read all, or at least the first of several completions says so.
        if head == told {
            return true;
        }
        let read = self.read.load(Relaxed);
        let ahead = |index: u32| {
            let distance = index.wrapping_sub(read);
            if index < read {
                distance.wrapping_add(self.entries.into())
            } else {
                distance
            }
        };
        head < self.entries.into() && ahead(head) <= ahead(told)
    }

    /// Takes the next completion, if there is one. Its identifier is to be checked by the caller.
    ///
    /// # Errors
    ///
    /// `EBADMSG`: the completion is of another queue, or says that the controller has read a command
    /// that it was not told of. Nothing has changed then.
    #[inline]
    pub(crate) fn pop(&self) -> Result<Option<Done>> {
        let head = self.head.load(Relaxed);
        let (index, phase) = (head & !PHASE, head & PHASE);
        let view = self.completions.view();
        // CAST: To the wider type.
        let entry = io_project!(view, [try: index as usize]);

        // One read for the phase and what belongs to it.
        let end = io_project!(entry, .end)
            .once()
            .read()
            .validate(|end| Ok(End::from(end)))?;
        if end.phase != (phase != 0) {
            return Ok(None);
        }

        let (queue, result) = barrier::consume(|| {
            (
                io_project!(entry, .queue).once().read(),
                io_project!(entry, .result).once().read(),
            )
        });
        let read = queue.validate(|queue| {
            let queue = Queue::from(queue);
            let fits = queue.number == self.number && self.may_have_read(queue.head.into());
            fits.then_some(queue.head).ok_or(EBADMSG)
        })?;
        // A result means what its command says: it is checked where it is used.
        let result = result.validate(|result| Ok(result.get()))?;

        self.read.store(read.into(), Release);
        let next = self.after(index);
        let phase = if next == 0 { phase ^ PHASE } else { phase };
        self.head.store(next | phase, Relaxed);
        Ok(Some(Done {
            id: end.id,
            result,
            status: end.status,
        }))
    }

    /// Returns where the next completion comes, for the doorbell.
    #[inline]
    pub(crate) fn head(&self) -> u16 {
        // CAST: The index is less than the number of entries (type invariants).
        self.head.load(Relaxed) as u16
    }
}
