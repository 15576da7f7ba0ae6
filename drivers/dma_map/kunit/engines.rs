// SPDX-License-Identifier: GPL-2.0

//! Test engines: stand-ins for the part of a device that does the DMA.
//!
//! The devices of the cases never access memory by themselves: what a device does is done by the
//! CPU ([`Device`](crate::device_side)), in the thread of the case, between calls of the library.

use dma_map::{
    engine::AlwaysStops,
    Engine, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    }, //
};

/// An engine that never does anything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Idle;

// SAFETY: There is no device, so nothing accesses the memory.
unsafe impl Engine for Idle {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        true
    }

    fn quiesce(&self) -> Result {
        Ok(())
    }
}

impl AlwaysStops for Idle {}

/// An engine that says what it is told to say, and counts who asks.
pub(crate) struct Scripted {
    idle: Atomic<bool>,
    stoppable: bool,
    asked: Atomic<u32>,
    stopped: Atomic<u32>,
    turns: Atomic<u32>,
    watched: Atomic<*const u8>,
    found: Atomic<u32>,
}

impl Scripted {
    const fn new(idle: bool, stoppable: bool) -> Self {
        Self {
            idle: Atomic::new(idle),
            stoppable,
            asked: Atomic::new(0),
            stopped: Atomic::new(0),
            turns: Atomic::new(0),
            watched: Atomic::new(core::ptr::null()),
            found: Atomic::new(0),
        }
    }

    /// Is done with its work.
    pub(crate) const fn idle() -> Self {
        Self::new(true, true)
    }

    /// Works, and can be stopped.
    pub(crate) const fn busy() -> Self {
        Self::new(false, true)
    }

    /// Works, and can't be stopped.
    pub(crate) const fn stuck() -> Self {
        Self::new(false, false)
    }

    /// Is done from here on.
    pub(crate) fn finish(&self) {
        self.idle.store(true, Relaxed);
    }

    /// Works from here on.
    pub(crate) fn start(&self) {
        self.idle.store(false, Relaxed);
    }

    /// How often `is_idle` was called.
    pub(crate) fn asked(&self) -> u32 {
        self.asked.load(Relaxed)
    }

    /// How often `quiesce` was called.
    pub(crate) fn stopped(&self) -> u32 {
        self.stopped.load(Relaxed)
    }

    /// How many [`Turn`]s there are.
    pub(crate) fn turns(&self) -> u32 {
        self.turns.load(Relaxed)
    }

    /// Makes the end of each turn look at a byte from here on, unless it is null.
    ///
    /// # Safety
    ///
    /// The byte must be there at the end of each turn, and nobody may write to it meanwhile.
    pub(crate) unsafe fn watch(&self, byte: *const u8) {
        self.watched.store(byte, Relaxed);
    }

    /// What the end of the last turn found.
    pub(crate) fn found(&self) -> u32 {
        self.found.load(Relaxed)
    }
}

// SAFETY: There is no device, so nothing accesses the memory, whatever the engine says.
unsafe impl Engine for Scripted {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        self.asked.fetch_add(1, Relaxed);
        self.idle.load(Relaxed)
    }

    fn quiesce(&self) -> Result {
        self.stopped.fetch_add(1, Relaxed);
        if !self.stoppable {
            return Err(ETIMEDOUT);
        }
        self.finish();
        Ok(())
    }
}

/// Those that are lent memory are made to be stoppable.
impl AlwaysStops for Scripted {}

/// A turn of a [`Scripted`] engine: what a handle owns while the device has the memory.
pub(crate) struct Turn(Arc<Scripted>);

impl Turn {
    pub(crate) fn of(engine: &Arc<Scripted>) -> Self {
        engine.turns.add(1, Relaxed);
        Self(engine.clone())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.turns.fetch_sub(1, Relaxed);
        let byte = self.0.watched.load(Relaxed);
        if !byte.is_null() {
            // SAFETY: By the safety requirements of `watch`.
            let byte = unsafe { byte.read_volatile() };
            self.0.found.store(byte.into(), Relaxed);
        }
    }
}

// SAFETY: There is no device, so nothing accesses the memory, whatever the engine says.
unsafe impl Engine for Turn {
    type Mark = Scripted;

    fn is_idle(&self) -> bool {
        self.0.is_idle()
    }

    fn quiesce(&self) -> Result {
        self.0.quiesce()
    }
}

/// An engine that works, and stops only when it has been told to a number of times.
pub(crate) struct Late {
    refusals: Atomic<u32>,
    idle: Atomic<bool>,
}

impl Late {
    /// Refuses `refusals` times.
    pub(crate) const fn new(refusals: u32) -> Self {
        Self {
            refusals: Atomic::new(refusals),
            idle: Atomic::new(false),
        }
    }
}

// SAFETY: There is no device, so nothing accesses the memory, whatever the engine says.
unsafe impl Engine for Late {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        self.idle.load(Relaxed)
    }

    fn quiesce(&self) -> Result {
        let left = self.refusals.load(Relaxed);
        if left != 0 {
            self.refusals.store(left - 1, Relaxed);
            return Err(ETIMEDOUT);
        }
        self.idle.store(true, Relaxed);
        Ok(())
    }
}

/// A queue of up to 32 commands that a device works on at the same time.
pub(crate) struct Queue {
    pending: Atomic<u32>,
}

impl Queue {
    pub(crate) const fn new() -> Self {
        Self {
            pending: Atomic::new(0),
        }
    }

    /// Names a command.
    pub(crate) fn command(&self, tag: u32) -> Command<'_> {
        Command { queue: self, tag }
    }

    /// The commands that are under way, as bits.
    pub(crate) fn pending(&self) -> u32 {
        self.pending.load(Relaxed)
    }
}

/// One command of a [`Queue`].
#[derive(Clone, Copy)]
pub(crate) struct Command<'q> {
    queue: &'q Queue,
    tag: u32,
}

impl Command<'_> {
    /// The device gets the command.
    pub(crate) fn submit(self) {
        self.queue
            .pending
            .store(self.queue.pending() | 1 << self.tag, Relaxed);
    }

    /// The device is done with the command.
    pub(crate) fn finish(self) {
        self.queue
            .pending
            .store(self.queue.pending() & !(1 << self.tag), Relaxed);
    }
}

// SAFETY: There is no device, so nothing accesses the memory, whatever the engine says.
unsafe impl Engine for Command<'_> {
    type Mark = Queue;

    fn is_idle(&self) -> bool {
        self.queue.pending() & 1 << self.tag == 0
    }

    fn quiesce(&self) -> Result {
        self.finish();
        Ok(())
    }
}
