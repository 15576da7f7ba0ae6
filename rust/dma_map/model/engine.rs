// SPDX-License-Identifier: GPL-2.0

//! The `Engine` trait: how a device is stopped, and how the end of its accesses is known.
//!
//! Memory that a device may still write to must not be freed. Only the driver knows when the writes are
//! over, not the compiler or the kernel. The driver says so once for each engine, by implementing
//! [`Engine`], which is the one `unsafe` statement about DMA that most drivers need. Every handle
//! whose memory the device can reach carries the engine, and checks with it before the memory changes
//! hands.
//!
//! An engine answers for all of its memory at once. A device that reports each slot of a ring, or each
//! command, needs one more statement, beside this one:
//! [`Completes`](crate::descriptor_ring::Completes).
//!
//! An engine is what data sheets call so: the part of a device that masters the bus. The channels of the
//! kernel's dmaengine subsystem (`struct dma_chan`), which copy for other drivers, are something else.

use crate::barrier;
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// The part of a device that does the DMA.
///
/// Every handle that the device can reach stores a value of this type. So it is usually small: a
/// reference, an [`Arc`], a queue number with a reference.
///
/// # Safety
///
/// Let *the memory* be all memory whose DMA address the driver obtained from handles that carry
/// this engine. Memory that was posted counts as memory of a handle that carries the engine of its ring or
/// table. An implementor guarantees:
///
/// - When [`is_idle`](Engine::is_idle) returns `true`, no access of the device to the memory is in
///   flight, and the device starts none before the driver gives it a new command. The CPU sees every
///   write of the device in the memory, if it reads there after the read that decided `is_idle`, and
///   after the sync of the mapping. This crate orders the reads, and syncs. So `is_idle` may read a
///   register, or a flag that the device writes to coherent memory, by any access, also a relaxed one.
///   If the driver itself writes the flag, it must use `Release`, after its own reads of what the
///   device wrote.
/// - When [`quiesce`](Engine::quiesce) returns `Ok`, the same holds from then on, whatever the device
///   was told before: it never goes on with an old command.
/// - Of the memory of this crate's handles, the driver tells the device only of memory whose handle
///   carries this engine, was made for this device, and is still held, in a state that belongs to the
///   device; and never of more than the handle says is mapped. The address of a handle with another
///   engine is as wrong here as an invented one: this engine is not checked before that memory is
///   freed. A [`Piece`](crate::Piece) with this engine's [`Mark`](Engine::Mark) fulfils this while it
///   is borrowed: its handle is held and carries an engine with that mark, and it is no longer than
///   what is mapped. If several engines have the mark, the driver must know which one it is.
/// - When the driver lets the device access memory at all, the device does not go on with an old
///   command: neither from an earlier binding, which may have ended in the middle of one, nor from
///   firmware.
///
/// Both functions run in the context in which a handle is dropped. They must not sleep, and must return
/// in bounded time.
pub unsafe trait Engine {
    /// The mark of the [`Piece`](crate::Piece)s of this engine's memory: `Self`, as a rule.
    ///
    /// A function that programs the device takes pieces with this mark, so that memory that was mapped
    /// for another engine does not compile there. The mark is a type name only, and needs no values. An
    /// [`Arc`] and a reference have the mark of their target. Engines that stand for one command each
    /// can have the mark of their queue.
    type Mark;

    /// Returns whether the device has completed all its commands.
    ///
    /// The implementation needs no barrier after its read: this crate has one (`dma_rmb()`) between a
    /// `true` and its next access to the memory.
    ///
    /// Context: any; must not sleep.
    fn is_idle(&self) -> bool;

    /// Stops the device.
    ///
    /// Called when a handle is dropped or cancelled while the device is not idle. An error means that
    /// the device could not be stopped. A dropped handle's memory is then quarantined: leaked, counted
    /// in [`DmaDevice::quarantined`](crate::device::DmaDevice::quarantined) and not reused. (With
    /// `CONFIG_DMA_API_DEBUG`, the kernel gets it back when a PCI function is unbound, after bus
    /// mastering was disabled.)
    ///
    /// Context: any; must not sleep.
    fn quiesce(&self) -> Result;
}

/// Implements the trait for a pointer to an engine.
macro_rules! by_target {
    ($pointer:ty) => {
        // SAFETY: Both functions are those of `E`, which keeps the guarantees.
        unsafe impl<E: Engine> Engine for $pointer {
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

        impl<E: AlwaysStops> AlwaysStops for $pointer {}
    };
}

by_target!(Arc<E>);
by_target!(&E);

/// An engine whose [`quiesce`](Engine::quiesce) never fails.
///
/// Borrowed memory returns to its owner when a scope ends ([`with_mapped`]), so it can't be
/// quarantined. The scope waits for a device that can't be stopped, forever if need be. With this
/// trait, a driver states that this does not happen. A PCI function that is stopped by
/// [`BusMaster::disable`](crate::pci::BusMaster::disable) is such an engine.
///
/// The trait is safe to implement: a broken promise hangs a thread, and overwrites no memory.
///
/// [`with_mapped`]: crate::mapping::with_mapped
pub trait AlwaysStops: Engine {}

/// Returns whether the engine is idle. If it is, later reads of the memory see what the device wrote.
///
/// Only this function and [`stop`] call an engine (`make check` verifies it), so every transition has
/// the barrier.
#[inline]
pub(crate) fn is_idle<E: Engine>(engine: &E) -> bool {
    before_access(engine.is_idle())
}

/// Stops the engine unless it is idle. Returns whether the memory of its handle is the CPU's again. If
/// it is, later reads of the memory see what the device wrote.
#[inline]
pub(crate) fn stop<E: Engine>(engine: &E) -> bool {
    before_access(engine.is_idle() || engine.quiesce().is_ok())
}

/// Orders the read that decided `done` before the CPU's reads of the memory.
///
/// A CPU that predicts the answer may read the memory before it reads the flag. Its writes to the
/// memory depend on the answer, and are never early. The barrier is needed where there is no sync, and
/// where a sync copies from a bounce buffer: C orders nothing there.
#[inline(always)]
fn before_access(done: bool) -> bool {
    if done {
        barrier::dma_rmb();
    }
    done
}
