// SPDX-License-Identifier: GPL-2.0

//! The handle of all memory that a device reaches: its states, its transitions, its drop.
//!
//! What the handles of this crate have in common is here, once: [`Dma`]. What they differ in, the calls
//! of the C API, is behind [`Backing`]. The table of the transitions is in [`state`](crate::state).

use crate::{
    device::Token,
    direction::Direction,
    engine::Engine,
    error::Busy,
    generic::variance::Inside,
    state::{
        Cpu,
        InDevice,
        Returns,
        State, //
    },
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// How memory is reached by a device: what [`Dma`] asks of it.
///
/// There are no values of the types outside of this crate, but in handles.
///
/// # Safety
///
/// An implementor guarantees that the memory stays where it is while the value is not
/// [released](Self::release), wherever that is moved; and what the functions say.
pub unsafe trait Backing: Sized {
    /// A [`DmaDevice<'bound>`](crate::DmaDevice), for the time for which the memory can be had.
    type Device: Token;

    /// The state in which a device behind `E` has the memory.
    type Given<E: Engine>: Returns<Engine = E>;

    /// What a device is told: [`One`] piece, [`Several`], or parts of memory that is [`Typed`].
    type Shape;

    /// The device that the memory is for, which is bound.
    fn device(&self) -> Self::Device;

    /// The number of bytes.
    fn size(&self) -> usize;

    /// Makes what the device wrote visible to the CPU.
    ///
    /// # Safety
    ///
    /// The memory must be mapped in direction `D`, and there be no reference to it.
    #[inline(always)]
    unsafe fn sync_for_cpu<D: Direction>(&self) {}

    /// Makes what the CPU wrote visible to the device.
    ///
    /// # Safety
    ///
    /// The memory must be mapped in direction `D`, and there be no reference to it.
    #[inline(always)]
    unsafe fn sync_for_device<D: Direction>(&self) {}

    /// Unmaps the memory, which is in state `S`, and frees it. Context: any.
    ///
    /// # Safety
    ///
    /// It must be mapped in direction `D`, and the device be done.
    unsafe fn release<D: Direction, S: State>(self);

    /// Leaves the memory to a device that does not stop: it is counted, and never used again.
    ///
    /// Context: any.
    #[cold]
    fn quarantine(self) {
        self.device().quarantined_more(self.size(), Inside(()));
        core::mem::forget(self);
    }
}

/// Memory that was mapped for a while, and comes back.
///
/// # Safety
///
/// That of [`Backing`].
pub unsafe trait Unmap: Backing {
    /// What comes back.
    type Buffer;

    /// Unmaps the memory, which is in state `S`, and gives it back. Context: any.
    ///
    /// # Safety
    ///
    /// It must be mapped in direction `D`, and the device be done.
    unsafe fn unmap<D: Direction, S: State>(self) -> Self::Buffer;
}

/// Memory that is contiguous for the device.
///
/// # Safety
///
/// There is at least one byte, and [`size`](Backing::size) bytes are at the addresses from
/// [`dma_address`](Self::dma_address) on.
pub unsafe trait OneAddress: Backing {
    /// The address of the first byte.
    fn dma_address(&self) -> DmaAddress;
}

/// The shape of what is contiguous for the device.
pub struct One;

/// The shape of what is scattered.
pub struct Several;

/// The shape of coherent memory that has a type, and so fields and elements.
pub struct Typed;

/// Memory that a device reaches, in state `S`; given up on drop.
///
/// The types that drivers name are aliases of this one:
/// [`SgMapping`](crate::SgMapping), [`DmaMapping`](crate::DmaMapping), [`IovaMapping`](crate::IovaMapping),
/// [`DmaPages`](crate::DmaPages), [`DmaNoncontiguous`](crate::DmaNoncontiguous),
/// [`MappedBuffer`](crate::MappedBuffer), [`DmaCoherent`](crate::DmaCoherent),
/// [`PoolBlock`](crate::PoolBlock), [`CoherentHandle`](crate::CoherentHandle),
/// [`SgAddresses`](crate::sg::SgAddresses), [`MmioMapping`](crate::mapping::MmioMapping). Their own pages
/// have what is special about them.
///
/// Dropping memory that the device has asks the engine first: a device that is busy is stopped, and if it
/// can't be stopped, the memory is quarantined (see [`Engine::quiesce`]): leaked, counted, and never used
/// again. A handle that is leaked leaks its memory; the device can do no harm. Drop context: any; what may
/// not be done where the handle is dropped is put off to a workqueue.
///
/// # Invariants
///
/// - The memory of `backing` is mapped in direction `D`, or allocated for it.
/// - In the [`Cpu`] state it is synced for the CPU, and the device does not access it.
/// - In the [`Part`](crate::Part) state that holds for the range, which lies within the memory and is not
///   empty; the rest is as in the [`Device`](crate::Device) state, and the device does not access it either.
/// - In the other states it is synced for the device.
pub struct Dma<M: Backing, D: Direction, S: State> {
    // Not dropped with the handle: memory that is quarantined stays.
    pub(crate) backing: ManuallyDrop<M>,
    state: S,
    _direction: PhantomData<D>,
}

impl<M: Backing, D: Direction, S: State> Dma<M, D, S> {
    /// Makes a handle.
    ///
    /// # Safety
    ///
    /// The type invariants must hold.
    #[inline(always)]
    pub(crate) unsafe fn from_parts(backing: M, state: S) -> Self {
        // INVARIANT: By the safety requirements of this function.
        Self {
            backing: ManuallyDrop::new(backing),
            state,
            _direction: PhantomData,
        }
    }

    /// Takes the handle apart: the memory stays as it is.
    #[inline(always)]
    pub(crate) fn into_parts(self) -> (M, S) {
        let this = ManuallyDrop::new(self);

        // SAFETY: `this` is not dropped and not used again, so each field is moved out once.
        unsafe {
            (
                ManuallyDrop::into_inner(core::ptr::read(&this.backing)),
                core::ptr::read(&this.state),
            )
        }
    }

    /// Changes the state to `next`, after `sync`.
    ///
    /// The old state is dropped last, and an engine with it: its drop may give away what the transfer had,
    /// a slot in a queue.
    ///
    /// # Safety
    ///
    /// What the type invariants say of `next` must hold after `sync`.
    #[inline(always)]
    pub(crate) unsafe fn into_state<N: State>(
        self,
        next: N,
        sync: impl FnOnce(&M),
    ) -> Dma<M, D, N> {
        let (backing, _before) = self.into_parts();

        sync(&backing);
        // SAFETY: By the safety requirements of this function.
        unsafe { Dma::from_parts(backing, next) }
    }

    /// The state.
    #[inline(always)]
    pub(crate) fn state(&self) -> &S {
        &self.state
    }

    /// Returns the number of bytes that the device reaches.
    #[inline]
    pub fn size(&self) -> usize {
        self.backing.size()
    }

    /// Returns the device that the memory is for: a [`DmaDevice<'bound>`](crate::DmaDevice).
    #[inline]
    pub fn device(&self) -> M::Device {
        self.backing.device()
    }

    /// Ends a transfer: memory that the device had is the CPU's again, unless it has it as long as the
    /// handle lives.
    ///
    /// # Safety
    ///
    /// If the state has an engine, that must be idle, or must have been stopped since it was told of this
    /// memory.
    #[inline]
    pub(crate) unsafe fn into_done(self) -> Dma<M, D, S::Done> {
        let (backing, state) = self.into_parts();

        if S::DEVICE {
            // SAFETY: By the type invariants it is mapped in this direction; the device is done.
            unsafe { backing.sync_for_cpu::<D>() };
        }
        // SAFETY: The caller has seen that the device is done, and it starts nothing on this memory
        // without a handle in a state of the device (safety requirements of `Engine`). Synced above. The
        // engine is dropped last.
        unsafe { Dma::from_parts(backing, state.done(Inside(()))) }
    }

    /// Unmaps the memory, and gives it back.
    ///
    /// # Safety
    ///
    /// The device must be done.
    #[inline(always)]
    pub(crate) unsafe fn into_buffer(self) -> M::Buffer
    where
        M: Unmap,
    {
        // The engine is dropped last, see `into_state`.
        let (backing, _state) = self.into_parts();

        // SAFETY: By the type invariants it is mapped in this direction; the device is done.
        unsafe { backing.unmap::<D, S>() }
    }
}

impl<M: Backing, D: Direction, S: InDevice> Dma<M, D, S> {
    /// Makes a handle in a state of the device behind `engine`.
    ///
    /// # Safety
    ///
    /// The type invariants must hold.
    #[inline(always)]
    pub(crate) unsafe fn in_device(backing: M, engine: S::Engine) -> Self {
        // SAFETY: By the safety requirements of this function.
        unsafe { Self::from_parts(backing, S::of(engine, Inside(()))) }
    }

    /// The engine that is asked before the memory changes hands.
    #[inline]
    pub(crate) fn engine(&self) -> &S::Engine {
        self.state.engine(Inside(()))
    }
}

impl<M: Backing, D: Direction> Dma<M, D, Cpu> {
    /// Makes a handle that the CPU has.
    ///
    /// # Safety
    ///
    /// The type invariants must hold.
    #[inline(always)]
    pub(crate) unsafe fn in_cpu(backing: M) -> Self {
        // SAFETY: By the safety requirements of this function.
        unsafe { Self::from_parts(backing, Cpu::new()) }
    }

    /// Syncs the memory and gives it to the device behind `engine`.
    ///
    /// Consumes the handle of the CPU, so no reference to the memory is left. The memory is the device's
    /// from here on ([`Device`](crate::Device)), or shared with it where it is coherent
    /// ([`Shared`](crate::Shared)).
    ///
    /// C API: see the [table](crate::state#transitions). Context: any.
    #[inline]
    pub fn give<E: Engine>(self, engine: E) -> Dma<M, D, M::Given<E>> {
        // SAFETY: By the type invariants it is mapped in this direction. The handle was consumed, so there
        // is no reference to the memory. It is synced.
        unsafe {
            self.into_state(InDevice::of(engine, Inside(())), |backing| {
                backing.sync_for_device::<D>()
            })
        }
    }
}

impl<M: Backing, D: Direction, S: Returns> Dma<M, D, S> {
    /// Takes the memory back for the CPU when the device is done, and syncs it.
    ///
    /// C API: see the [table](crate::state#transitions). Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the handle if the engine is not idle.
    #[inline]
    pub fn complete(self) -> Result<Dma<M, D, Cpu>, Busy<Self>> {
        if self.state.is_done() {
            // SAFETY: The engine is idle.
            Ok(unsafe { self.into_done() })
        } else {
            Err(Busy(self))
        }
    }

    /// Takes the memory back for the CPU, stopping the device if it is not done.
    ///
    /// How much the device has moved is not known then.
    ///
    /// C API: see the [table](crate::state#transitions). Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the handle if the device cannot be stopped.
    #[inline]
    pub fn cancel(self) -> Result<Dma<M, D, Cpu>, Busy<Self>> {
        if self.state.stop() {
            // SAFETY: The engine is stopped.
            Ok(unsafe { self.into_done() })
        } else {
            Err(Busy(self))
        }
    }
}

impl<M: OneAddress, D: Direction, S: InDevice> Dma<M, D, S> {
    /// Returns the address at which the device reaches the memory.
    ///
    /// All of it is at the addresses from here on, contiguously. Context: any.
    #[inline]
    pub fn dma_address(&self) -> DmaAddress {
        self.backing.dma_address()
    }
}

impl<M: Unmap, D: Direction, S: InDevice> Dma<M, D, S> {
    /// Unmaps the memory when the device is done, and gives it back, with what the device wrote.
    ///
    /// C API: see the [table](crate::state#transitions). Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the handle if the engine is not idle.
    #[inline]
    pub fn unmap(self) -> Result<M::Buffer, Busy<Self>> {
        if !self.state.is_done() {
            return Err(Busy(self));
        }
        // SAFETY: The engine is idle.
        Ok(unsafe { self.into_buffer() })
    }
}

impl<M: Unmap, D: Direction> Dma<M, D, Cpu> {
    /// Unmaps the memory, and gives it back.
    ///
    /// There is no sync, because the memory is in sync.
    ///
    /// C API: see the [table](crate::state#transitions). Context: any.
    #[inline]
    pub fn unmap(self) -> M::Buffer {
        // SAFETY: By the type invariants no device accesses it.
        unsafe { self.into_buffer() }
    }
}

impl<M: Backing, D: Direction, S: State> Drop for Dma<M, D, S> {
    #[inline]
    fn drop(&mut self) {
        let stopped = self.state.stop();
        // SAFETY: `backing` is not used again.
        let backing = unsafe { ManuallyDrop::take(&mut self.backing) };

        if !stopped {
            return backing.quarantine();
        }
        // SAFETY: By the type invariants it is mapped in this direction; the device is done.
        unsafe { backing.release::<D, S>() };
    }
}
