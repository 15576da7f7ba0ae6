// SPDX-License-Identifier: GPL-2.0

//! Stand-ins for the part of a device that does the DMA.
//!
//! The devices of the cases never access memory by themselves: what a device does is done by the
//! CPU ([`Device`](crate::device_side)), in the thread of the case, between calls of the library.

use dma_map::{
    engine::AlwaysStops,
    Engine, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// An engine that never does anything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Idle;

// SAFETY: There is no device, so nothing accesses the memory.
unsafe impl Engine for Idle {
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
}

impl Scripted {
    const fn new(idle: bool, stoppable: bool) -> Self {
        Self {
            idle: Atomic::new(idle),
            stoppable,
            asked: Atomic::new(0),
            stopped: Atomic::new(0),
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
}

// SAFETY: There is no device, so nothing accesses the memory, whatever the engine says.
unsafe impl Engine for Scripted {
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
