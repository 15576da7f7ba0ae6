// SPDX-License-Identifier: GPL-2.0

//! Scripted controller: takes commands from coherent memory, and completes them as a script says.

use crate::{
    check::*,
    device_side,
    engines::Idle,
    nvme::driver::protocol::{
        command::Command,
        exchange::{
            Controller,
            Exchange, //
        },
        ledger::Ledger,
        queue::Done, //
    }, //
};
use core::cell::Cell;
use dma_map::{
    DmaDevice,
    Engine, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// The number of the queues.
pub(super) const QUEUE: u16 = 3;

/// The number of entries of each queue.
pub(super) const ENTRIES: u16 = 4;

/// The result of a command that the controller completes as it should.
pub(super) const RESULT: u32 = 0x1122_3344;

/// What the controller does in one turn, in which the driver waits.
#[derive(Clone, Copy)]
pub(super) enum Act {
    /// Nothing.
    Rest,
    /// Takes the next command, and completes it.
    Complete,
    /// The same, with this status.
    Fail(u16),
    /// Completes the command, and once more, as if it were another one's completion.
    Twice,
    /// Completes the command under another identifier: this one more.
    WrongId(u16),
    /// Completes the command with the phase of an old entry.
    WrongPhase,
    /// Completes the command of another queue.
    WrongQueue,
    /// Completes the command, and says that it has read up to this many commands after those that it
    /// was told of.
    WildHead(u16),
    /// Completes the command, and says that it has not read it.
    OldHead,
    /// Takes the next command, and keeps it.
    Keep,
    /// Completes the command that it has kept.
    Late,
}

/// A controller with a script.
pub(super) struct Script<'a, 'b> {
    dma: DmaDevice<'b>,
    submissions: DmaAddress,
    completions: DmaAddress,
    acts: Cell<&'a [Act]>,
    /// The tail that the doorbell said last.
    tail: Cell<u16>,
    read: Cell<u16>,
    written: Cell<u16>,
    phase: Cell<bool>,
    kept: Cell<u16>,
    /// The head that the other doorbell said last.
    pub(super) head: Cell<u16>,
}

/// The engine of a command's memory.
#[derive(Clone, Copy)]
pub(super) struct Held<'a> {
    ledger: &'a Ledger,
    number: u64,
}

impl<'a> Held<'a> {
    /// By the next command of `ledger`.
    pub(super) fn by_next(ledger: &'a Ledger) -> Self {
        Self {
            ledger,
            number: ledger.next(),
        }
    }
}

// SAFETY: There is no device, so nothing accesses the memory, whatever the engine says.
unsafe impl Engine for Held<'_> {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        !self.ledger.has(self.number)
    }

    fn quiesce(&self) -> Result {
        self.ledger.end();
        Ok(())
    }
}

impl<'a, 'b> Script<'a, 'b> {
    /// Makes a controller for the queues of `exchange`.
    pub(super) fn of(dma: DmaDevice<'b>, exchange: &Exchange<'_, Idle>) -> Self {
        let (submissions, completions) = exchange.queue().addresses();
        Self {
            dma,
            submissions,
            completions,
            acts: Cell::new(&[]),
            tail: Cell::new(0),
            read: Cell::new(0),
            written: Cell::new(0),
            phase: Cell::new(true),
            kept: Cell::new(0),
            head: Cell::new(0),
        }
    }

    /// Is reset: forgets all.
    pub(super) fn reset(&self) {
        for index in [&self.tail, &self.read, &self.written, &self.head] {
            index.set(0);
        }
        self.phase.set(true);
    }

    /// Runs one exchange, with this script.
    pub(super) fn run(
        &self,
        exchange: &mut Exchange<'_, Idle>,
        ledger: &Ledger,
        acts: &'a [Act],
    ) -> Result<Done> {
        self.acts.set(acts);
        exchange.run(self, ledger, Command::new(0x42, 7))
    }

    /// Takes the next command, and returns its identifier.
    fn take(&self) -> Result<u16> {
        check!(self.read.get() != self.tail.get());
        let mut command = [0; 64];
        let at = DmaAddress::from(self.read.get()) * 64;
        device_side::read(self.dma, self.submissions + at, &mut command)?;
        check_eq!(command[..2], [0x42, 0]);
        check_eq!(command[4..8], [7, 0, 0, 0]);
        self.read.set((self.read.get() + 1) % ENTRIES);
        Ok(u16::from_le_bytes([command[2], command[3]]))
    }

    /// Writes a completion.
    fn write(&self, queue: u16, head: u16, id: u16, status: u16, phase: bool) -> Result {
        let mut entry = [0; 16];
        entry[..4].copy_from_slice(&RESULT.to_le_bytes());
        entry[8..10].copy_from_slice(&head.to_le_bytes());
        entry[10..12].copy_from_slice(&queue.to_le_bytes());
        entry[12..14].copy_from_slice(&id.to_le_bytes());
        entry[14..].copy_from_slice(&(status << 1 | u16::from(phase)).to_le_bytes());
        let at = DmaAddress::from(self.written.get()) * 16;
        device_side::write(self.dma, self.completions + at, &entry)?;

        self.written.set((self.written.get() + 1) % ENTRIES);
        if self.written.get() == 0 {
            self.phase.set(!self.phase.get());
        }
        Ok(())
    }

    /// Completes the command `id` as it should.
    fn complete(&self, id: u16, status: u16) -> Result {
        self.write(QUEUE, self.read.get(), id, status, self.phase.get())
    }

    fn act(&self, act: Act) -> Result {
        let (phase, head) = (self.phase.get(), |more| self.read.get() + 1 + more);
        match act {
            Act::Rest => Ok(()),
            Act::Complete => self.complete(self.take()?, 0),
            Act::Fail(status) => self.complete(self.take()?, status),
            Act::Twice => {
                let id = self.take()?;
                self.complete(id, 0)?;
                self.complete(id, 0)
            }
            Act::WrongId(more) => self.complete(self.take()?.wrapping_add(more), 0),
            Act::WrongPhase => {
                let id = self.take()?;
                self.write(QUEUE, self.read.get(), id, 0, !phase)
            }
            Act::WrongQueue => {
                let id = self.take()?;
                self.write(QUEUE + 1, self.read.get(), id, 0, phase)
            }
            Act::WildHead(more) => {
                let head = head(more);
                let id = self.take()?;
                self.write(QUEUE, head, id, 0, phase)
            }
            Act::OldHead => {
                let head = self.read.get();
                let id = self.take()?;
                self.write(QUEUE, head, id, 0, phase)
            }
            Act::Keep => {
                self.kept.set(self.take()?);
                Ok(())
            }
            Act::Late => self.complete(self.kept.get(), 0),
        }
    }
}

impl Controller for Script<'_, '_> {
    fn ring_submission(&self, tail: u16) -> Result {
        check!(tail < ENTRIES);
        self.tail.set(tail);
        Ok(())
    }

    fn ring_completion(&self, head: u16) -> Result {
        check!(head < ENTRIES);
        self.head.set(head);
        Ok(())
    }

    /// # Errors
    ///
    /// `ETIMEDOUT` at the end of the script.
    fn wait(&self) -> Result {
        let (act, rest) = self.acts.get().split_first().ok_or(ETIMEDOUT)?;
        self.acts.set(rest);
        self.act(*act)
    }
}
