// SPDX-License-Identifier: GPL-2.0

//! Descriptor rings: slots that the device writes back, each with the memory it describes.
//!
//! A [`DescriptorRing`] is what most network cards have. The CPU fills a slot with a descriptor of some
//! memory and gives the slot to the device. The device uses the memory, writes status and length back
//! into the same slot, and says that it is done: by a sign in the slot ([`Protocol`]), or by an index in
//! a register ([`CompletesTo`]). A slot owns its memory meanwhile. For queues whose commands complete in
//! any order there is [`queue`](crate::queue).
//!
//! ```text
//!      post: memory in, descriptor written      publish: signs, then the doorbell
//!   ---------------------------------------> ring ------------------------------------> device
//!   <--------------------------------------- ring <------------------------------------ device
//!      pop: descriptor and memory out           status, then the sign (or the index)
//! ```
//!
//! # Who says that the device is done
//!
//! An [`Engine`] answers for all of its memory at once. A ring that is never empty is never idle, so that
//! answer alone would never give a buffer back. Here the device answers for each slot, and the driver
//! states what the answer means, by [`Completes`]. The ring reads the answer itself, so no other code of a
//! driver can make one up. A ring that is dropped stops its engine, which it owns with its slots.
//!
//! # What is checked
//!
//! The device's answers are untrusted. The ring looks at the oldest slot that it gave away, and at no
//! other: so a slot that was not given, one ahead of its turn, and one that is reported twice have no
//! effect. A sign that is neither pending nor done, an index outside of the slots that the device has, and
//! a length beyond the memory are `EBADMSG`. Then nothing changes: the memory stays out, and the ring can
//! still be [cancelled](DescriptorRing::cancel). What the device wrote is read once, behind the sign.
//!
//! A device that says too early that it is done breaks the promise of its engine, which nobody can
//! check. Memory that is unmapped when it comes back is then protected by the IOMMU, if there is one.
//!
//! `tools/testing/dma_map/model/descriptor.pml` is a model of a ring with a sign.

mod ring;
pub(super) mod sign;
pub mod window;

pub use self::{
    ring::{
        Completed,
        DescriptorRing, //
    },
    sign::{
        Progress,
        Sign, //
    },
    window::{
        Capacity,
        Lap,
        Place, //
    },
};

use super::untrusted::Untrusted;
use crate::engine::Engine;
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// What the slots of a ring look like, and how a device reports that it is done with one.
///
/// The trait is safe: the library calls these functions with the barriers in place, and a wrong one does
/// not make the CPU leave the ring. What the device's answers mean for memory is stated by
/// [`Completes`], for the functions as they are: whoever implements that has read them.
///
/// # Examples
///
/// A done bit in the last word, which the CPU clears when it gives the slot to the device. The device
/// looks at a slot when the doorbell has told of it:
///
/// ```ignore
/// # #[repr(C)]
/// # #[derive(FromBytes, IntoBytes)]
/// # struct Receive { address: Le<u64>, length: Le<u32>, status: Le<u32> }
/// # const DONE: u32 = 1;
/// # struct Ring;
/// impl Protocol for Ring {
///     type Slot = Receive;
///     type Sign = Le<u32>;
///     const SIGN: usize = core::mem::offset_of!(Receive, status);
///     const CAPACITY: Capacity = Capacity::AllButOne;
///
///     fn progress(status: Le<u32>, _: Lap) -> Progress {
///         if status.get() & DONE != 0 {
///             Progress::Done
///         } else {
///             Progress::Pending
///         }
///     }
///
///     fn length(slot: &Receive) -> Option<usize> {
///         usize::try_from(slot.length.get()).ok()
///     }
/// }
/// ```
pub trait Protocol {
    /// A slot: the descriptor for the device, and what the device writes back.
    type Slot: FromBytes + IntoBytes;

    /// The word of a slot that says whose it is; `()` if only an index says so.
    type Sign: Sign;

    /// The offset of the sign in a slot, in bytes.
    const SIGN: usize = 0;

    /// How many slots can be in use.
    const CAPACITY: Capacity = Capacity::All;

    /// Returns the sign that gives the slot at `place` to the device: `sign` is that of the descriptor. The
    /// default leaves it as it is.
    #[inline]
    fn given(sign: Self::Sign, place: Place) -> Self::Sign {
        let _ = place;
        sign
    }

    /// Returns what the sign of a slot says in this lap. The default is for slots without a sign.
    #[inline]
    fn progress(sign: Self::Sign, lap: Lap) -> Progress {
        let _ = (sign, lap);
        Progress::Pending
    }

    /// Returns the number of bytes that the device says it has written, if it says so. A number beyond the
    /// memory of the slot is `EBADMSG`.
    #[inline]
    fn length(slot: &Self::Slot) -> Option<usize> {
        let _ = slot;
        None
    }
}

/// An engine that reports the end of each slot, or command, by the protocol `P`.
///
/// # Safety
///
/// Let a slot be *reported* when it was given to the device, and its sign is [`Progress::Done`] by `P` in
/// the lap of the slot, or the index of [`CompletesTo`] is past it. Let a command of a
/// [table](crate::queue::Commands) be reported when the device has written, since the command was given to
/// it, an entry of the table's completion queue with the command's [tag](crate::queue::Tagged::tag), whose
/// sign is `Done` in the lap of the entry. An implementor guarantees, for each ring, queue and table of `P`
/// whose slots carry this engine:
///
/// - When a slot or a command is reported, no access of the device to its memory is in flight, and the
///   device starts none before the driver gives it to the device again. The CPU sees every write of the
///   device in that memory, and in the slot, if it reads there after the read of the sign or the index.
///   This crate orders the reads, and syncs.
/// - Memory that was posted counts as memory of a handle that carries this engine, in a state of the device,
///   from `post` until it comes back. So what [`Engine`] requires holds for it as well, also that it was
///   made for this device. The driver tells the device of it by the descriptor that it returns for the slot
///   or the command, and in no other way. Where the descriptor points to a table in posted memory, the
///   table is a part of it.
/// - The device uses the slots that `publish` has given to it, in order. The driver tells it of no others.
///   A device that polls for signs does not take a slot of zeroes as given: the slots of a new ring are
///   zeroed, and those of a ring that was cancelled.
/// - After a `cancel`, also one that found the engine idle, the driver sets the device's side up again
///   before the first `publish`: the device begins with the first slot, in the first lap, and reports
///   nothing from before.
/// - The device reports each command of a table's submission queue once, in the table's completion queue,
///   and no others there.
/// - A head of a submission queue, which an entry tells ([`Tagged::head`](crate::queue::Tagged::head)) or the
///   driver gives to `reclaim`, is the slot that the device fetches next. The device does not read the
///   slots before it again until they are given to it anew. Of two heads, the driver gives the newer one
///   to `reclaim` last.
/// - A clone of the engine stands for the same part of the same device.
///
/// [`is_idle`](Engine::is_idle) is asked when a ring ends, and not for each slot.
pub unsafe trait Completes<P: Protocol>: Engine {}

/// An engine that reports the end of slots by an index.
///
/// # Safety
///
/// That of [`Completes`], with the index that [`index`](Self::index) returns.
pub unsafe trait CompletesTo<P: Protocol>: Completes<P> {
    /// Reads the index of the slot that the device will report next: one read, of a register, of shared
    /// memory, or of what the driver learnt from another ring's entries.
    ///
    /// Context: that of [`DescriptorRing::poll`].
    fn index(&self) -> Untrusted<u32>;
}

/// Implements the traits for a pointer to an engine.
macro_rules! by_target {
    ($pointer:ty) => {
        // SAFETY: The engine is `E`, which keeps the guarantees. A clone points to the same one.
        unsafe impl<P: Protocol, E: Completes<P>> Completes<P> for $pointer {}

        // SAFETY: The index is that of `E`, which keeps the guarantees. A clone points to the same one.
        unsafe impl<P: Protocol, E: CompletesTo<P>> CompletesTo<P> for $pointer {
            #[inline]
            fn index(&self) -> Untrusted<u32> {
                E::index(self)
            }
        }
    };
}

by_target!(Arc<E>);
by_target!(&E);
