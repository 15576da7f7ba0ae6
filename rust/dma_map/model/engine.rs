// SPDX-License-Identifier: GPL-2.0

//! How a device is stopped, and how the end of its accesses is known.
//!
//! Memory that a device may still write to must not be freed. Neither the compiler nor the kernel
//! can know when that is over: only the driver does. It says so once for each engine, by implementing
//! [`Engine`], which is the one `unsafe` statement about DMA that this crate asks for. Every handle
//! whose memory the device can reach carries the engine and asks it before the memory changes hands.

use crate::barrier;
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// The part of a device that does the DMA.
///
/// A value of this type is stored in every handle that the device can reach, so it is usually
/// something small: a reference, an [`Arc`], a queue number with a reference.
///
/// # Safety
///
/// Let *the memory* be all memory whose DMA address the driver obtained from handles that carry
/// this engine. An implementor guarantees:
///
/// - When [`is_idle`](Engine::is_idle) returns `true`, the device has no access to the memory
///   under way, and starts none before the driver gives it a new command. A CPU finds every write of
///   the device in the memory, if it reads there after the read that `is_idle` took its answer from, and
///   after the sync of the mapping. This crate orders the reads, and syncs. So `is_idle` may read a
///   register, or a flag that the device writes to coherent memory, in any way, also a relaxed one. A
///   flag that the driver writes must be written with `Release`, after what the driver has read of the
///   device.
/// - When [`quiesce`](Engine::quiesce) returns `Ok`, the same holds from then on, and it holds
///   whatever the device was told before: it never goes on with an old command.
/// - Of the memory of this crate's handles, the driver tells the device only of that whose handle
///   carries this engine, was made for this device, and is still held, in a state that belongs to
///   the device; and never of more than the handle says is mapped. The address of a handle with
///   another engine is as wrong here as one that was made up: nobody asks this engine before that
///   memory goes. A [`Piece`](crate::Piece) with this engine's [`Mark`](Engine::Mark) is of a handle
///   that is still held while the piece is borrowed, it is no longer than what is mapped, and the
///   handle carries an engine with that mark. Which one, where several have it, is for the driver to
///   know.
/// - When the driver lets the device access memory at all, there is no old command that it would go
///   on with: neither from an earlier binding, which may have ended in the middle of one, nor from
///   firmware.
///
/// Both functions run in the context in which a handle is dropped, so they must not sleep and
/// must return in bounded time.
pub unsafe trait Engine {
    /// What the [`Piece`](crate::Piece)s of this engine's memory are marked with: `Self`, as a rule.
    ///
    /// A function that programs the device asks for it, so that memory that was mapped for another
    /// engine does not compile there. The mark is a name only, and there need not be values of it. An
    /// [`Arc`] and a reference have the mark of what they lead to. Engines that stand for one command
    /// each can have the mark of their queue.
    type Mark;

    /// Returns whether the device is done with all that it was told.
    ///
    /// There need be no barrier after the read that tells: this crate has one (`dma_rmb()`) between a
    /// `true` and its next access to the memory.
    ///
    /// Context: any; must not sleep.
    fn is_idle(&self) -> bool;

    /// Stops the device.
    ///
    /// Called when a handle is dropped while the device is not idle. An error means that the
    /// device could not be stopped; the handle's memory is then quarantined: leaked, counted in
    /// [`DmaDevice::quarantined`](crate::device::DmaDevice::quarantined) and not reused. (A kernel
    /// with `CONFIG_DMA_API_DEBUG` gets it back when a PCI function is unbound, and takes that off
    /// the bus first.)
    ///
    /// Context: any; must not sleep.
    fn quiesce(&self) -> Result;
}

// SAFETY: Both functions are those of `E`, which keeps the guarantees.
unsafe impl<E: Engine> Engine for Arc<E> {
    type Mark = E::Mark;

    #[inline]
    fn is_idle(&self) -> bool {
        E::is_idle(self)
    }

    #[inline]
    fn quiesce(&self) -> Result {
        E::quiesce(self)
    }
}

// SAFETY: Both functions are those of `E`, which keeps the guarantees.
unsafe impl<E: Engine> Engine for &E {
    type Mark = E::Mark;

    #[inline]
    fn is_idle(&self) -> bool {
        E::is_idle(self)
    }

    #[inline]
    fn quiesce(&self) -> Result {
        E::quiesce(self)
    }
}

/// An engine whose [`quiesce`](Engine::quiesce) never fails.
///
/// Borrowed memory goes back to its owner when a scope ends ([`with_mapped`]), so it can't be
/// quarantined: there, a device that can't be stopped is waited for, for good if it must be. With
/// this trait, a driver says that this does not happen. A PCI function that is stopped by
/// [`BusMaster::disable`](crate::pci::BusMaster::disable) is such an engine.
///
/// The trait is safe to implement: a promise that is not kept is a thread that hangs, and not
/// memory that is overwritten.
///
/// [`with_mapped`]: crate::mapping::with_mapped
pub trait AlwaysStops: Engine {}

impl<E: AlwaysStops> AlwaysStops for Arc<E> {}
impl<E: AlwaysStops> AlwaysStops for &E {}

/// Returns whether the engine is idle. If it is, later reads of the memory see what the device wrote.
///
/// Only this function and [`stop`] ask an engine (a part of `make check`), so that no transition is without
/// the barrier.
#[inline]
pub(crate) fn is_idle<E: Engine>(engine: &E) -> bool {
    before_access(engine.is_idle())
}

/// Returns whether the memory of a handle with this engine is the CPU's again, stopping the device
/// if that is what it takes. If it is, later reads of the memory see what the device wrote.
#[inline]
pub(crate) fn stop<E: Engine>(engine: &E) -> bool {
    before_access(engine.is_idle() || engine.quiesce().is_ok())
}

/// Orders the read that `done` comes from before the CPU's reads of the memory.
///
/// A CPU that predicts the answer may read the memory before it reads the flag. Its writes to the memory
/// depend on the answer, and are never early. The barrier is needed where no sync is, and where a sync
/// copies from a bounce buffer: C orders nothing there.
#[inline(always)]
fn before_access(done: bool) -> bool {
    if done {
        barrier::dma_rmb();
    }
    done
}
