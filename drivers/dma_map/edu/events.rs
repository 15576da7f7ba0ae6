// SPDX-License-Identifier: GPL-2.0

//! Device events, and waiting for them.

use dma_map::wait::{
    Deadline,
    WaitOptions,
    WaitQueue, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Full, //
    },
    time::Delta, //
};

/// The polling interval of a device without interrupts.
pub(crate) const POLL: Delta = Delta::from_millis(4);

/// The device's events, between the interrupt handler and the thread that waits.
#[pin_data]
pub(crate) struct Events {
    /// Events since they were last forgotten.
    seen: Atomic<u32>,
    #[pin]
    changed: WaitQueue,
}

impl Events {
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            seen: Atomic::new(0),
            changed <- WaitQueue::new(),
        })
    }

    fn change(&self, new: impl Fn(u32) -> u32) {
        let mut old = self.seen.load(Acquire);

        while let Err(now) = self.seen.cmpxchg(old, new(old), Full) {
            old = now;
        }
    }

    /// Records events, and wakes the waiters. Context: any.
    pub(crate) fn raise(&self, events: u32) {
        self.change(|seen| seen | events);
        self.changed.wake_all();
    }

    /// Forgets `events`, so that a wait sees later ones only.
    pub(crate) fn forget(&self, events: u32) {
        self.change(|seen| seen & !events);
    }

    /// Makes this and every later wait fail with `ENODEV`.
    pub(crate) fn abort(&self) {
        self.changed.end();
    }

    /// Waits until `done` returns true.
    ///
    /// `done` gets the events so far, and must not sleep. It is called at once, after every event, and
    /// with an `interval` every so often.
    ///
    /// # Errors
    ///
    /// - `ETIMEDOUT`: the deadline has passed.
    /// - `ENODEV`: the wait was aborted.
    pub(crate) fn wait(
        &self,
        deadline: &Deadline,
        interval: Option<Delta>,
        done: impl Fn(u32) -> bool,
    ) -> Result {
        // The waiter is a kernel worker, which gets no signals, and is not taken for a hung task.
        let mut options = WaitOptions::new(*deadline).idle();

        if let Some(interval) = interval {
            options = options.poll(interval);
        }
        self.changed.wait(options, || done(self.seen.load(Acquire)))
    }
}
