// SPDX-License-Identifier: GPL-2.0

//! Exchanges: one command at a time, and its completion.

use super::{
    command::Command,
    ledger::Ledger,
    queue::{
        Done,
        QueuePair, //
    }, //
};
use dma_map::{
    DmaDevice,
    Engine, //
};
use kernel::prelude::*;

/// The controller, as an exchange needs it.
pub(crate) trait Controller {
    /// Tells the controller of new commands, up to `tail`.
    fn ring_submission(&self, tail: u16) -> Result;

    /// Tells the controller of the completions that were taken, up to `head`.
    fn ring_completion(&self, head: u16) -> Result;

    /// Waits a moment for a completion. An error ends the exchange.
    fn wait(&self) -> Result;
}

/// Returns the identifier after `id`. The last one is left out: it means no command in the
/// controller's log of errors.
fn after(id: u16) -> u16 {
    match id.wrapping_add(1) {
        u16::MAX => 0,
        next => next,
    }
}

/// A queue pair that runs one command at a time.
///
/// If an exchange fails, the controller may still have its command. The queue takes no other one then,
/// until the controller was reset. So an answer that is late is never taken for that of another command.
pub(crate) struct Exchange<'bound, E: Engine> {
    queue: QueuePair<'bound, E>,
    /// The identifier of the last command.
    id: u16,
    failed: bool,
}

impl<'bound, E: Engine + Clone> Exchange<'bound, E> {
    /// Allocates the queues, as [`QueuePair::new`] does.
    pub(crate) fn new(
        dma: DmaDevice<'bound>,
        number: u16,
        entries: u16,
        engine: E,
    ) -> Result<Self> {
        Ok(Self {
            queue: QueuePair::new(dma, number, entries, engine)?,
            id: 0,
            failed: false,
        })
    }
}

impl<'bound, E: Engine> Exchange<'bound, E> {
    /// Returns the queues.
    pub(crate) fn queue(&self) -> &QueuePair<'bound, E> {
        &self.queue
    }

    /// Returns whether the controller must be reset before the next command.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Starts anew, for a controller that was reset.
    ///
    /// # Errors
    ///
    /// Those of [`QueuePair::reset`].
    pub(crate) fn reset(&mut self) -> Result {
        self.queue.reset()?;
        self.failed = false;
        Ok(())
    }

    /// Runs a command, and returns how the controller says that it has ended.
    ///
    /// When this returns `Ok`, the controller is done with the command's memory, and `ledger` says so.
    ///
    /// # Errors
    ///
    /// - `EIO`: an earlier exchange has failed.
    /// - `EBADMSG`: the completion is not that of this command, or not one at all.
    /// - Those of `controller`.
    ///
    /// `ledger` still has the command then.
    pub(crate) fn run(
        &mut self,
        controller: &impl Controller,
        ledger: &Ledger,
        command: Command,
    ) -> Result<Done> {
        if self.failed {
            return Err(EIO);
        }
        self.id = after(self.id);

        ledger.issue();
        self.complete(controller, command.with_id(self.id))
            .inspect(|_| ledger.end())
            .inspect_err(|_| self.failed = true)
    }

    fn complete(&mut self, controller: &impl Controller, command: Command) -> Result<Done> {
        self.queue.push(command)?;
        let tail = self.queue.publish().ok_or(EIO)?;
        controller.ring_submission(tail)?;
        let done = loop {
            match self.queue.pop()? {
                Some(done) => break done,
                None => controller.wait()?,
            }
        };
        // There is one command. It is done, so the controller has read it.
        if done.id != self.id || !self.queue.is_read() {
            return Err(EBADMSG);
        }
        controller.ring_completion(self.queue.head())?;
        Ok(done)
    }
}
