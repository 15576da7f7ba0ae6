// SPDX-License-Identifier: GPL-2.0

//! Device events, and waiting for them.

use kernel::{
    new_condvar,
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        CondVar,
        Mutex, //
    },
    time::{
        msecs_to_jiffies,
        Delta,
        Instant,
        Jiffies,
        Monotonic, //
    }, //
};

/// A point in time at which a wait ends.
#[derive(Clone, Copy)]
pub(crate) struct Deadline {
    start: Instant<Monotonic>,
    limit: Delta,
}

impl Deadline {
    /// Returns a deadline `ms` milliseconds from now.
    pub(crate) fn after_ms(ms: u32) -> Self {
        Self {
            start: Instant::now(),
            limit: Delta::from_millis(ms.into()),
        }
    }

    /// Returns the time that is left, at least one jiffy, or `None` if the deadline has passed.
    fn left(&self) -> Option<Jiffies> {
        let left = self.limit - self.start.elapsed();

        if left.is_zero() || left.is_negative() {
            return None;
        }
        let ms = left.as_millis_ceil().try_into().unwrap_or(u32::MAX);
        Some(msecs_to_jiffies(ms).max(1))
    }
}

/// The polling interval of a device without interrupts, in milliseconds.
pub(crate) const POLL: u32 = 4;

struct Seen {
    /// Events since they were last forgotten.
    events: u32,
    /// The device is going away.
    aborted: bool,
}

/// The device's events, between the interrupt handler and the thread that waits.
#[pin_data]
pub(crate) struct Events {
    /// Events that the hard IRQ handler has recorded, and that are not in `seen` yet.
    raised: Atomic<u32>,
    #[pin]
    seen: Mutex<Seen>,
    #[pin]
    changed: CondVar,
}

impl Events {
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            raised: Atomic::new(0),
            seen <- new_mutex!(Seen { events: 0, aborted: false }, "dma_map_edu::Events"),
            changed <- new_condvar!("dma_map_edu::Events"),
        })
    }

    /// Records events. Context: any.
    pub(crate) fn raise(&self, events: u32) {
        let mut old = self.raised.load(Relaxed);

        while let Err(now) = self.raised.cmpxchg(old, old | events, Full) {
            old = now;
        }
    }

    /// Moves the recorded events to `seen`, and wakes the waiters. Context: may sleep.
    pub(crate) fn deliver(&self) {
        let mut seen = self.seen.lock();

        seen.events |= self.raised.xchg(0, Full);
        self.changed.notify_all();
    }

    /// Forgets `events`, so that a wait sees later ones only.
    pub(crate) fn forget(&self, events: u32) {
        self.seen.lock().events &= !events;
    }

    /// Makes this and every later wait fail with `ENODEV`.
    pub(crate) fn abort(&self) {
        self.seen.lock().aborted = true;
        self.changed.notify_all();
    }

    /// Waits until `done` returns true.
    ///
    /// `done` gets the events so far. It is called at once, after every event, and with an `interval`
    /// every so many milliseconds.
    ///
    /// # Errors
    ///
    /// - `ETIMEDOUT`: the deadline has passed.
    /// - `ENODEV`: the wait was aborted.
    pub(crate) fn wait(
        &self,
        deadline: &Deadline,
        interval: Option<u32>,
        mut done: impl FnMut(u32) -> bool,
    ) -> Result {
        let mut seen = self.seen.lock();

        loop {
            if seen.aborted {
                return Err(ENODEV);
            }
            if done(seen.events) {
                return Ok(());
            }

            let mut time = deadline.left().ok_or(ETIMEDOUT)?;
            if let Some(ms) = interval {
                time = time.min(msecs_to_jiffies(ms).max(1));
            }
            // The waiter is a kernel worker, which gets no signals; a sleep that can be interrupted
            // does not count as a hung task.
            let _ = self.changed.wait_interruptible_timeout(&mut seen, time);
        }
    }
}
