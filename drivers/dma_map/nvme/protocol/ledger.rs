// SPDX-License-Identifier: GPL-2.0

//! Ledger of a queue that runs one command at a time: which commands the controller has.
//!
//! The engine of a command's memory asks the ledger whether the controller may still access it. A
//! command has a number from before it is written to the queue. The numbers never repeat.

use kernel::sync::atomic::{
    Atomic,
    Relaxed,
    Release, //
};

/// Which commands the controller has: those after `ended`, up to `issued`.
pub(crate) struct Ledger {
    issued: Atomic<u64>,
    ended: Atomic<u64>,
}

impl Ledger {
    /// Returns an empty ledger.
    pub(crate) const fn new() -> Self {
        Self {
            issued: Atomic::new(0),
            ended: Atomic::new(0),
        }
    }

    /// Returns the number of the next command. The caller has the queue to itself.
    pub(crate) fn next(&self) -> u64 {
        self.issued.load(Relaxed).wrapping_add(1)
    }

    /// Enters that the controller gets the next command.
    pub(crate) fn issue(&self) {
        self.issued.store(self.next(), Relaxed);
    }

    /// Enters that the controller has no command any more, after all that was read of what it wrote.
    pub(crate) fn end(&self) {
        self.ended.store(self.issued.load(Relaxed), Release);
    }

    /// Returns whether the controller has the command with this number.
    pub(crate) fn has(&self, number: u64) -> bool {
        number > self.ended.load(Relaxed) && number <= self.issued.load(Relaxed)
    }
}
