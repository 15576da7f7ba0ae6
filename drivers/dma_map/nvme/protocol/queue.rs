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
use dma_map::{
    barrier,
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
        Io, //
    },
    prelude::*, //
};

/// How a command has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) id: u16,
    pub(crate) result: u32,
    pub(crate) status: Status,
}

/// A queue pair.
///
/// # Invariants
///
/// Both rings have `entries` entries, and `tail`, `read` and `head` are less.
pub(crate) struct QueuePair<'bound, E: Engine> {
    submissions: DmaCoherent<'bound, [Command], Shared<E>>,
    completions: DmaCoherent<'bound, [Completion], Shared<E>>,
    /// The number of the queues.
    number: u16,
    entries: u16,
    /// Where the next command goes.
    tail: u16,
    /// Where the controller reads, as it said last.
    read: u16,
    /// Where the next completion comes.
    head: u16,
    /// The phase of a new completion.
    phase: bool,
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
        let submissions = DmaCoherent::<[Command]>::zeroed_slice(dma, len, Gfp::Kernel)?;
        let completions = DmaCoherent::<[Completion]>::zeroed_slice(dma, len, Gfp::Kernel)?;

        Ok(Self {
            submissions: submissions.give(engine.clone()),
            completions: completions.give(engine),
            number,
            entries,
            tail: 0,
            read: 0,
            head: 0,
            phase: true,
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
    fn after(&self, index: u16) -> u16 {
        match index.wrapping_add(1) {
            next if next == self.entries => 0,
            next => next,
        }
    }

    /// Starts anew, for a controller that was reset, and does not access the rings.
    ///
    /// # Errors
    ///
    /// None as long as the invariants hold.
    pub(crate) fn reset(&mut self) -> Result {
        let view = self.completions.view();
        for i in 0..usize::from(self.entries) {
            io_project!(view, [try: i]).copy_write(Completion::default());
        }
        (self.tail, self.read, self.head, self.phase) = (0, 0, 0, true);
        Ok(())
    }

    /// Writes a command to the ring, and returns the new tail, for the doorbell.
    ///
    /// # Errors
    ///
    /// `EBUSY`: the ring is full. It holds one command less than it has entries.
    pub(crate) fn push(&mut self, command: Command) -> Result<u16> {
        let next = self.after(self.tail);
        if next == self.read {
            return Err(EBUSY);
        }
        let view = self.submissions.view();
        io_project!(view, [try: usize::from(self.tail)]).copy_write(command);
        self.tail = next;
        Ok(next)
    }

    /// Returns whether the controller has read all commands, as it said last.
    pub(crate) fn is_read(&self) -> bool {
        self.read == self.tail
    }

    /// Returns whether the controller may have read up to `head`: not before where it was, and not
    /// after the tail.
    fn may_have_read(&self, head: u16) -> bool {
        let ahead = |index: u16| {
            let distance = index.wrapping_sub(self.read);
            if index < self.read {
                distance.wrapping_add(self.entries)
            } else {
                distance
            }
        };
        head < self.entries && ahead(head) <= ahead(self.tail)
    }

    /// Takes the next completion, if there is one. Its identifier is to be checked by the caller.
    ///
    /// # Errors
    ///
    /// `EBADMSG`: the completion is of another queue, or says that the controller has read a command
    /// that it was not told of. Nothing has changed then.
    pub(crate) fn pop(&mut self) -> Result<Option<Done>> {
        let view = self.completions.view();
        let entry = io_project!(view, [try: usize::from(self.head)]);

        // One read for the phase and what belongs to it.
        let end = io_project!(entry, .end)
            .once()
            .read()
            .validate(|end| Ok(End::from(end)))?;
        if end.phase != self.phase {
            return Ok(None);
        }

        let (queue, result) = barrier::consume(|| {
            (
                io_project!(entry, .queue).once().read(),
                io_project!(entry, .result).once().read(),
            )
        });
        self.read = queue.validate(|queue| {
            let queue = Queue::from(queue);
            let fits = queue.number == self.number && self.may_have_read(queue.head);
            fits.then_some(queue.head).ok_or(EBADMSG)
        })?;
        // A result means what its command says: it is checked where it is used.
        let result = result.validate(|result| Ok(result.get()))?;

        self.head = self.after(self.head);
        if self.head == 0 {
            self.phase = !self.phase;
        }
        Ok(Some(Done {
            id: end.id,
            result,
            status: end.status,
        }))
    }

    /// Returns where the next completion comes, for the doorbell.
    pub(crate) fn head(&self) -> u16 {
        self.head
    }
}
