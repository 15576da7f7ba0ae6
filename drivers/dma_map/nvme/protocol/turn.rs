// SPDX-License-Identifier: GPL-2.0

//! Turns: one thread or interrupt handler at a time does something, and nobody waits.
//!
//! A caller that finds another one at work leaves a note, and returns. The other one then works once more.
//! Only a thread that must be [alone](Turn::alone) waits.
//!
//! `tools/testing/dma_map/model/turn.pml` is a model of this.

use core::sync::atomic::{
    AtomicBool,
    Ordering::{
        Acquire,
        Release,
        SeqCst, //
    }, //
};
use kernel::time::{
    delay::fsleep,
    Delta, //
};

/// Whose turn it is.
pub(crate) struct Turn {
    is_taken: AtomicBool,
    is_missed: AtomicBool,
}

impl Turn {
    /// Returns a turn that nobody has.
    pub(crate) const fn new() -> Self {
        Self {
            is_taken: AtomicBool::new(false),
            is_missed: AtomicBool::new(false),
        }
    }

    /// Does `f`, unless somebody else is at it, who then does it after this was called.
    ///
    /// Context: that of `f`.
    #[inline]
    pub(crate) fn run(&self, mut f: impl FnMut()) {
        while !self.is_taken.swap(true, Acquire) || self.misses() {
            f();
            // Whoever has found it taken has left a note before this, or finds it free after it.
            self.is_taken.store(false, SeqCst);
            if !self.is_missed.load(SeqCst) || !self.is_missed.swap(false, SeqCst) {
                return;
            }
        }
    }

    /// Does `f`, unless somebody else is at it. Leaves no note: those who poll would keep the first one at work.
    ///
    /// Only for turns that nobody [runs](Self::run): the note that is left meanwhile is not looked for.
    ///
    /// Context: that of `f`.
    #[inline]
    pub(crate) fn attempt(&self, f: impl FnOnce()) {
        if !self.is_taken.swap(true, Acquire) {
            f();
            self.is_taken.store(false, Release);
        }
    }

    /// Does `f` while nobody else is at it. Those who come meanwhile leave a note: `missed` is done for them
    /// afterwards, as by [`run`](Self::run).
    ///
    /// Context: may sleep.
    pub(crate) fn alone(&self, f: impl FnOnce(), missed: impl FnMut()) {
        /// The time between two attempts. Who is at it is done soon.
        const AGAIN: Delta = Delta::from_micros(10);

        while self.is_taken.swap(true, Acquire) {
            fsleep(AGAIN);
        }
        f();
        // As in `run`.
        self.is_taken.store(false, SeqCst);
        if self.is_missed.load(SeqCst) && self.is_missed.swap(false, SeqCst) {
            self.run(missed);
        }
    }

    /// Leaves a note, and takes the turn if it is free again.
    #[cold]
    fn misses(&self) -> bool {
        self.is_missed.store(true, SeqCst);
        !self.is_taken.swap(true, SeqCst)
    }
}
