// SPDX-License-Identifier: GPL-2.0

//! A transfer: handles that a device was told of, until it is done with them.
//!
//! A driver that programs a device and waits has four ways out, and three of them are easy to get wrong:
//! the device completes; the driver gives up after a timeout; the driver returns early with an error;
//! the device is unbound meanwhile. A [`Transfer`] handles all four. It holds the handles that the
//! device was told of:
//!
//! - [`start`](Transfer::start) programs the device, and stops it if that fails half way;
//! - [`complete`](Transfer::complete) gives the memory back when the engine says that it is done;
//! - [`wait`](Transfer::wait) sleeps until then, for a limited time;
//! - [`cancel`](Transfer::cancel) stops the device, and gives the memory back;
//! - dropping it stops the device, then unmaps and frees.
//!
//! # Why a transfer cannot be misused
//!
//! Each handle carries its [`Engine`](crate::Engine), and asks it before its memory changes hands, with
//! or without a transfer around it. So a transfer that is leaked loses only what it owns: handles that
//! it owns stay mapped, and handles that it borrows ask their engine when their memory changes hands. A
//! transfer is no larger than its handles, and does not allocate.
//!
//! A driver programs the device from [`Piece`]s: an address with its length and its direction. Pieces
//! borrow the transfer, and those that a programming function gets cannot leave it. So a driver gets no
//! address that it could keep.
//!
//! # Several transfers at a time
//!
//! The engine decides when a transfer is done. With one engine value for all of a device, overlapping
//! transfers are done when the device is idle, and stopping one stops all. A device that executes
//! several commands at a time has an engine value for each: a reference to the queue, and the command's
//! number. The handles of a transfer may have different engines; it is done when all of them are idle.
//!
//! An interrupt handler that completes a transfer may run before `start` has returned. Start the
//! transfer under the lock that the handler takes to find it: neither function sleeps.

mod carried;
mod group;
mod handles;
mod shared;
mod wait;

pub use self::shared::{
    SharedPiece,
    SharedPieceBackend, //
};
pub use crate::seg::piece::{
    Piece,
    Pieces, //
};

use crate::{
    error::Busy,
    generic::variance::{
        CrateToken,
        InvariantIn, //
    }, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop, //
};
use kernel::prelude::*;

pub(crate) mod private {
    /// Restricts the implementations to this crate.
    pub trait Sealed {}
}

/// The handles that a [`Transfer`] can hold.
///
/// - Each handle in a state in which the device has the memory: [`DmaMapping`](crate::DmaMapping),
///   [`SgMapping`](crate::SgMapping), [`IovaMapping`](crate::IovaMapping),
///   [`DmaPages`](crate::DmaPages), [`DmaNoncontiguous`](crate::DmaNoncontiguous),
///   [`DmaCoherent`](crate::DmaCoherent), [`PoolBlock`](crate::PoolBlock),
///   [`MappedBuffer`](crate::MappedBuffer). They come back in the [`Cpu`](crate::Cpu) state, in sync.
/// - Handles that have no state of the CPU, and come back as they are:
///   [`CoherentHandle`](crate::CoherentHandle), [`SgAddresses`](crate::sg::SgAddresses),
///   [`MmioMapping`](crate::mapping::MmioMapping), [`Mmap`](crate::Mmap).
/// - The slots of a [`Mailbox`](crate::mailbox::Mailbox) with a request in them
///   ([`Exchange`](crate::mailbox::Exchange)).
/// - A reference or an [`Arc`](kernel::sync::Arc) to one of them, for memory that stays the device's
///   when the transfer ends.
/// - [`Carried`]: a value of the driver's own, which no device reaches.
/// - An `Option`, an array, or a tuple of up to six of these.
#[diagnostic::on_unimplemented(
    message = "the device does not have the memory of `{Self}`",
    label = "give it to the device first: `give()`",
    note = "a transfer holds memory that a device has; see `dma_map::InFlight`"
)]
pub trait InFlight: Handle {}

/// A handle in any state, or several handles.
///
/// Those that the device has are [`InFlight`]. The others implement this trait, too, but cannot be in a
/// transfer: so the only error that the compiler reports is that they were not given to the device.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handle of this crate",
    label = "not memory that a device can reach",
    note = "a transfer holds memory that a device has; see `dma_map::InFlight`"
)]
pub trait Handle: private::Sealed + Sized {
    /// The argument of the programming function: a [`Piece`] for contiguous memory, [`Pieces`] for
    /// scattered memory, a [`SharedPiece`] for coherent memory that has a type. A group of handles has
    /// the same group of these.
    type Pieces<'a>;

    /// The handles when the device is done.
    type Done;

    /// Returns whether all engines are idle.
    #[doc(hidden)]
    fn is_done(&self) -> bool;

    /// Stops all engines that are not idle, and returns whether no device accesses the memory any more.
    #[doc(hidden)]
    fn stop(&self) -> bool;

    /// # Safety
    ///
    /// The handles must be in a state of the device, and stay in it during `'a`.
    #[doc(hidden)]
    unsafe fn pieces<'a>(&self) -> Self::Pieces<'a>;

    /// # Safety
    ///
    /// Each engine must be idle, or must have been stopped since it was told of this memory. For handles
    /// that were [posted](Post), that holds for the engine of their owner; or its device has reported that
    /// it is done with this memory; or it was not told of it.
    #[doc(hidden)]
    unsafe fn finish(self) -> Self::Done;

    /// Drops what is owned, which stops the devices, and stops the devices of what is borrowed.
    #[doc(hidden)]
    #[inline]
    fn release(self) {
        drop(self);
    }
}

/// Handles in the [`Cpu`](crate::Cpu) state, whose memory a ring can give to its device.
///
/// - Each handle that has this state: [`DmaMapping`](crate::DmaMapping),
///   [`SgMapping`](crate::SgMapping), [`IovaMapping`](crate::IovaMapping),
///   [`DmaPages`](crate::DmaPages), [`DmaNoncontiguous`](crate::DmaNoncontiguous),
///   [`DmaCoherent`](crate::DmaCoherent), [`PoolBlock`](crate::PoolBlock),
///   [`MappedBuffer`](crate::MappedBuffer).
/// - [`Carried`]: a value of the driver's own.
/// - An `Option`, an array, or a tuple of up to six of these.
///
/// The ring takes the handles, so nobody else can tell another device of the memory meanwhile. It keeps
/// them in the [`Posted`](crate::state::Posted) state, and returns them in the `Cpu` state, in sync.
#[diagnostic::on_unimplemented(
    message = "the CPU does not have the memory of `{Self}`",
    label = "a ring gives it to the device itself",
    note = "a ring takes handles in the `Cpu` state; see `dma_map::transfer::Post`"
)]
pub trait Post: Handle {
    /// The handles while a device has them, whose engine has the mark `K`.
    type Posted<K>: Handle<Done = Self>;

    /// Syncs the memory for the device. Only this crate can call it: a handle in the `Posted` state has an
    /// owner with an engine.
    #[doc(hidden)]
    fn post<K>(self, _: CrateToken) -> Self::Posted<K>;

    /// Returns the number of bytes that the device reaches, in all handles together.
    #[doc(hidden)]
    fn size<K>(posted: &Self::Posted<K>) -> usize;
}

/// A value of the driver's that stays with handles while a device has them, such as whom to wake up.
///
/// It is a member of a group of handles, and has no pieces: their place in the group's is `()`. No device
/// reaches it.
pub struct Carried<C>(pub C);

/// Handles that a device was told of; stopped and freed on drop.
///
/// Dropping a transfer in flight stops the device, then unmaps and frees. If the device cannot be
/// stopped, the memory is quarantined (see [`Engine::quiesce`](crate::Engine::quiesce)). A transfer that
/// is leaked leaks what it owns, and the device can do no harm.
///
/// Drop context: any.
///
/// # Examples
///
/// ```ignore,run
/// # struct Regs(core::cell::Cell<usize>);
/// # impl Regs {
/// #     fn gather<E>(&self, piece: Piece<'_, ToDevice, E>) -> Result {
/// #         self.0.set(self.0.get() + piece.len());
/// #         Ok(())
/// #     }
/// #     fn go<E>(&self, answer: Piece<'_, FromDevice, E>) -> Result {
/// #         check(self.0.get() == 10_000 && answer.len() == 512)
/// #     }
/// # }
/// # struct Irq;
/// # impl Irq {
/// #     fn wait_timeout(&self, deadline: u32) -> Result {
/// #         if deadline == 0 { Err(ETIMEDOUT) } else { Ok(()) }
/// #     }
/// # }
/// # fn example<E: Engine + Copy>(
/// #     dma: DmaDevice<'_>,
/// #     (request, room): (VVec<u8>, KVec<u8>),
/// #     engine: E,
/// #     (regs, irq, deadline): (&Regs, &Irq, u32),
/// # ) -> Result<KVec<u8>> {
/// let source = SgMapping::map(dma, request, ToDevice, engine, Gfp::Kernel)?;
/// let answer = DmaMapping::map(dma, room, FromDevice, engine, MapOptions::new())?;
///
/// let transfer = Transfer::start((source, answer), |(source, answer)| {
///     for piece in source {
///         regs.gather(piece)?;
///     }
///     regs.go(answer)
/// })?;
///
/// match irq.wait_timeout(deadline) {
///     Ok(()) => {
///         let (_, answer) = transfer.complete()?;
///         Ok(answer.unmap())
///     }
///     Err(error) => {
///         transfer.cancel()?;
///         Err(error)
///     }
/// }
/// # }
/// # pub fn run(dma: DmaDevice<'_>, engine: Device, _regs: &pci::Bar<'_>) -> Result {
/// #     for deadline in [0, 1] {
/// #         let request = VVec::from_elem(0u8, 10_000, GFP_KERNEL)?;
/// #         let room = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
/// #         let regs = Regs(core::cell::Cell::new(0));
/// #         match example(dma, (request, room), engine, (&regs, &Irq, deadline)) {
/// #             Ok(answer) => check(deadline == 1 && answer.len() == 512)?,
/// #             Err(error) => check(deadline == 0 && error == ETIMEDOUT)?,
/// #         }
/// #     }
/// #     Ok(())
/// # }
/// ```
///
/// # Invariants
///
/// The handles are in a state of the device: they are [`InFlight`].
#[must_use = "a transfer that is dropped is cancelled"]
pub struct Transfer<H: Handle> {
    // Taken by `complete`, `cancel` or the drop.
    handles: ManuallyDrop<H>,
    // Invariant, also in the lifetimes of handles that are borrowed.
    _handles: InvariantIn<H>,
}

/// The error of [`Transfer::start`]: the reason and the handles.
pub struct StartError<H: Handle> {
    /// The reason.
    pub error: Error,
    /// The handles. If the device could not be stopped, they are still in flight: dropping them
    /// quarantines the memory.
    pub handles: Result<H::Done, Busy<Transfer<H>>>,
}

impl<H: Handle> From<StartError<H>> for Error {
    #[inline]
    fn from(failed: StartError<H>) -> Self {
        failed.error
    }
}

impl<H: Handle> core::fmt::Debug for StartError<H> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("StartError")
            .field("error", &self.error)
            .field("in_flight", &self.handles.is_err())
            .finish()
    }
}

/// The error of [`Transfer::wait`]: the reason and the transfer.
///
/// The transfer was in flight when its engines were asked last. With `ENODEV`, because the queue has ended, they
/// were not asked. The driver can wait again, ask again ([`complete`](Transfer::complete)), or stop the device
/// ([`cancel`](Transfer::cancel)). Dropping this, as `?` does, drops the transfer, which stops the device
/// unless it is done.
pub struct WaitError<H: Handle> {
    /// The reason.
    pub error: Error,
    /// The transfer.
    pub transfer: Transfer<H>,
}

impl<H: Handle> From<WaitError<H>> for Error {
    #[inline]
    fn from(failed: WaitError<H>) -> Self {
        failed.error
    }
}

impl<H: Handle> core::fmt::Debug for WaitError<H> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WaitError")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl<H: Handle> Transfer<H> {
    /// Tells the device of the memory by calling `program`.
    ///
    /// `program` may start the device and return at once, or run several commands and wait for each. Its
    /// argument has a lifetime that it does not know, so no piece can leave it.
    ///
    /// Context: any, if `program` does not sleep.
    ///
    /// # Errors
    ///
    /// [`StartError`] with the error of `program`, and with the handles after the device was stopped, as
    /// by [`cancel`](Self::cancel).
    #[inline]
    pub fn start(
        handles: H,
        program: impl for<'a> FnOnce(H::Pieces<'a>) -> Result,
    ) -> Result<Self, StartError<H>>
    where
        H: InFlight,
    {
        // INVARIANT: `H` is `InFlight`.
        let this = Self {
            handles: ManuallyDrop::new(handles),
            _handles: PhantomData,
        };

        match program(this.pieces()) {
            Ok(()) => Ok(this),
            Err(error) => Err(StartError {
                error,
                handles: this.cancel(),
            }),
        }
    }

    /// Returns the pieces again, from the start, for a command after the first.
    ///
    /// Context: any.
    #[inline]
    pub fn pieces(&self) -> H::Pieces<'_> {
        // SAFETY: By the type invariant the handles are in a state of the device. While `self` is
        // borrowed, they are neither taken out nor borrowed exclusively.
        unsafe { self.handles.pieces() }
    }

    /// Returns the handles, for example to access shared memory.
    #[inline]
    pub fn handles(&self) -> &H {
        &self.handles
    }

    /// Returns whether the device is done.
    ///
    /// C API: none, because this asks the engines. Context: any.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.handles.is_done()
    }

    /// Returns the handles when the device is done, and syncs the memory.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the transfer if an engine is not idle.
    #[inline]
    pub fn complete(self) -> Result<H::Done, Busy<Self>> {
        if self.handles.is_done() {
            // SAFETY: The engines are idle.
            Ok(unsafe { self.into_handles().finish() })
        } else {
            Err(Busy(self))
        }
    }

    /// Stops the device if it is not done, syncs the memory, and returns the handles.
    ///
    /// How much the device has moved is not known.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the transfer if the device cannot be stopped. Dropping it, as `?` does,
    /// tries once more, and quarantines the memory if that fails, too.
    #[inline]
    pub fn cancel(self) -> Result<H::Done, Busy<Self>> {
        if self.handles.stop() {
            // SAFETY: The engines are idle or stopped.
            Ok(unsafe { self.into_handles().finish() })
        } else {
            Err(Busy(self))
        }
    }

    #[inline]
    fn into_handles(self) -> H {
        let mut this = ManuallyDrop::new(self);

        // SAFETY: `this` is not dropped and not used again, so the handles are taken once.
        unsafe { ManuallyDrop::take(&mut this.handles) }
    }
}

impl<H: Handle> Drop for Transfer<H> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: The handles are not used again.
        unsafe { ManuallyDrop::take(&mut self.handles) }.release();
    }
}
