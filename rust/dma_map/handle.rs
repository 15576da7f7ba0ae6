// SPDX-License-Identifier: GPL-2.0

//! The generic handle of memory that a device reaches: states, transitions, drop.
//!
//! [`Dma`] has what the handles of this crate have in common. [`Backing`] has what they differ in: the
//! calls of the C API. The table of the transitions is in [`state`](crate::state).

use crate::{
    device::{
        counts::{
            self,
            Change,
            Kind, //
        },
        Token, //
    },
    direction::Direction,
    engine::Engine,
    error::Busy,
    generic::variance::CrateToken,
    model::sync_attrs::UnmapAttrs,
    state::{
        Cpu,
        InDevice,
        Posted,
        Returns,
        State, //
    },
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop, //
};
use kernel::{
    bindings::{
        self,
        device,
        dma_data_direction,
        scatterlist, //
    },
    dma::DmaAddress,
    prelude::*, //
};

/// How a device reaches memory: the operations that [`Dma`] needs.
///
/// Outside of this crate, there are values of these types in handles only.
///
/// # Safety
///
/// An implementor guarantees that the memory stays in place until the value is
/// [released](Self::release), even if the value is moved; and what the functions document.
pub unsafe trait Backing: Sized {
    /// A [`DmaDevice<'bound>`](crate::DmaDevice), where `'bound` is the time during which the memory
    /// exists.
    type Device: Token;

    /// The state in which the device behind `E` has the memory.
    type Given<E: Engine>: Returns<Engine = E>;

    /// The shape that the device is told of: [`One`] piece, [`Several`], or parts of [`Typed`] memory.
    type Shape;

    /// What the handle is called where handles are [counted](counts).
    const KIND: Kind;

    /// Returns the device of the memory, which is bound.
    fn device(&self) -> Self::Device;

    /// Returns the number of bytes.
    fn size(&self) -> usize;

    /// Makes what the other side wrote visible to `R`.
    ///
    /// # Safety
    ///
    /// The memory must be mapped in direction `D`, and no reference to it may exist.
    #[inline(always)]
    unsafe fn sync<D: Direction, R: Receiver>(&self) {}

    /// Unmaps the memory, which is in state `S`, and frees it. Context: any.
    ///
    /// # Safety
    ///
    /// The memory must be mapped in direction `D`, and the device must be done with it.
    unsafe fn release<D: Direction, S: State>(self);

    /// Leaks the memory, because the device cannot be stopped: it is counted, and never used again.
    ///
    /// Context: any.
    #[cold]
    fn quarantine(self) {
        self.device().quarantined_more(self.size(), CrateToken(()));
        core::mem::forget(self);
    }
}

/// A C function that syncs contiguous memory, and one that syncs the memory of a table.
type SyncSingle = unsafe extern "C" fn(*mut device, DmaAddress, usize, dma_data_direction);
type SyncSg = unsafe extern "C" fn(*mut device, *mut scatterlist, c_int, dma_data_direction);

/// The side that gets the memory: [`ForCpu`] or [`ForDevice`].
pub trait Receiver {
    /// Whether it is the device.
    const IS_DEVICE: bool;

    /// The C functions.
    const SYNC_SINGLE: SyncSingle;
    const SYNC_SG: SyncSg;
}

/// The CPU gets the memory.
pub(crate) struct ForCpu;

/// The device gets the memory.
pub(crate) struct ForDevice;

impl Receiver for ForCpu {
    const IS_DEVICE: bool = false;
    const SYNC_SINGLE: SyncSingle = bindings::__dma_sync_single_for_cpu;
    const SYNC_SG: SyncSg = bindings::__dma_sync_sg_for_cpu;
}

impl Receiver for ForDevice {
    const IS_DEVICE: bool = true;
    const SYNC_SINGLE: SyncSingle = bindings::__dma_sync_single_for_device;
    const SYNC_SG: SyncSg = bindings::__dma_sync_sg_for_device;
}

/// Memory of a buffer that was mapped, and that unmapping returns.
///
/// # Safety
///
/// That of [`Backing`].
pub unsafe trait Unmap: Backing {
    /// The buffer that comes back.
    type Buffer;

    /// Unmaps the memory, syncs it as `end` says, and returns the buffer. Context: any.
    ///
    /// # Safety
    ///
    /// The memory must be mapped in direction `D`, and the device must be done with it.
    unsafe fn unmap<D: Direction>(self, end: UnmapAttrs) -> Self::Buffer;
}

/// Memory that is contiguous for the device.
///
/// # Safety
///
/// There is at least one byte, and [`size`](Backing::size) bytes are contiguous from
/// [`dma_address`](Self::dma_address) on.
pub unsafe trait OneAddress: Backing {
    /// Returns the DMA address of the first byte.
    fn dma_address(&self) -> DmaAddress;
}

/// The shape of memory that is contiguous for the device.
pub struct One;

/// The shape of scattered memory.
pub struct Several;

/// The shape of typed coherent memory, which has fields and elements.
pub struct Typed;

/// Memory that a device reaches, in state `S`; released on drop.
///
/// The types that drivers name are aliases of this one:
/// [`SgMapping`](crate::SgMapping), [`DmaMapping`](crate::DmaMapping),
/// [`IovaMapping`](crate::IovaMapping), [`DmaPages`](crate::DmaPages),
/// [`DmaNoncontiguous`](crate::DmaNoncontiguous), [`MappedBuffer`](crate::MappedBuffer),
/// [`DmaCoherent`](crate::DmaCoherent), [`PoolBlock`](crate::PoolBlock),
/// [`CoherentHandle`](crate::CoherentHandle),
/// [`SgAddresses`](crate::sg::SgAddresses), [`MmioMapping`](crate::mapping::MmioMapping). Their own
/// pages describe their specifics.
///
/// The drop of a handle in a device state checks with the engine first. A busy device is stopped. If it
/// can't be stopped, the memory is quarantined (see [`Engine::quiesce`]): leaked, counted, and never
/// used again. In the [`Posted`] state, the ring or the table that owns the handle does this. A handle that is leaked leaks its memory; the device can do no harm. Drop context: any;
/// a free that is not legal there is deferred to a workqueue.
///
/// # Invariants
///
/// - The memory of `backing` is mapped in direction `D`, or allocated for it.
/// - In the [`Cpu`] state it is synced for the CPU, and the device does not access it.
/// - In the [`Part`](crate::Part) state that holds for the range, which lies within the memory and is
///   not empty. The rest is as in the [`Device`](crate::Device) state, and the device does not access
///   it.
/// - In the other states it is synced for the device. From [`Lasting`](crate::state::Lasting) it never
///   becomes the CPU's.
pub struct Dma<M: Backing, D: Direction, S: State> {
    // Not dropped with the handle, because quarantined memory stays allocated.
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
        // INVARIANT: By the precondition of this function.
        Self {
            backing: ManuallyDrop::new(backing),
            state,
            _direction: PhantomData,
        }
    }

    /// Counts a handle that was made. Those that it becomes by transitions are the same one.
    #[inline(always)]
    pub(crate) fn counted(self) -> Self {
        self.count(Change::Made);
        self
    }

    /// Counts a handle that is made, or that ends.
    #[inline(always)]
    pub(crate) fn count(&self, change: Change) {
        if counts::on() {
            let bytes = self.backing.size();
            let dev = self.backing.device();
            dev.counted(change, M::KIND, bytes, CrateToken(()));
        }
    }

    /// Takes the handle apart without a change of the memory.
    ///
    /// Callers drop the state last, and its engine with it. The engine's drop may release resources of the
    /// transfer, such as a queue slot.
    #[inline(always)]
    pub(crate) fn into_parts(self) -> (M, S) {
        let this = ManuallyDrop::new(self);

        // SAFETY: `this` is not dropped or used again, so each field is moved out once.
        unsafe {
            (
                ManuallyDrop::into_inner(core::ptr::read(&this.backing)),
                core::ptr::read(&this.state),
            )
        }
    }

    /// Returns the state.
    #[inline(always)]
    pub(crate) fn state(&self) -> &S {
        &self.state
    }

    /// Returns the number of bytes that the device reaches.
    #[inline]
    pub fn size(&self) -> usize {
        self.backing.size()
    }

    /// Returns the device of the memory: a [`DmaDevice<'bound>`](crate::DmaDevice).
    #[inline]
    pub fn device(&self) -> M::Device {
        self.backing.device()
    }

    /// Ends a transfer: memory of the device returns to the CPU, except in the state in which the
    /// device has it as long as the handle lives.
    ///
    /// # Safety
    ///
    /// If the state has an engine, it must be idle, or must have been stopped since it was told of this
    /// memory. In the [`Posted`] state that holds for the owner's engine; or the device has reported that
    /// it is done with this memory; or it was not told of it.
    #[inline]
    pub(crate) unsafe fn into_done(self) -> Dma<M, D, S::Done> {
        let (backing, state) = self.into_parts();

        if S::DEVICE {
            // SAFETY: The memory is mapped in this direction (type invariant), the device is done, and
            // in its states there is no reference to the memory.
            unsafe { backing.sync::<D, ForCpu>() };
        }
        // SAFETY: The device is done (function precondition), and starts nothing on this memory without
        // a handle in a state of the device (safety requirements of `Engine`). The memory was synced
        // above. The engine is dropped last.
        unsafe { Dma::from_parts(backing, state.done()) }
    }

    /// Unmaps the memory, and returns the buffer.
    ///
    /// # Safety
    ///
    /// The device must be done.
    #[inline(always)]
    pub(crate) unsafe fn into_buffer(self) -> M::Buffer
    where
        M: Unmap,
    {
        self.count(Change::Ended);
        // The engine is dropped last, see `into_parts`.
        let (backing, _state) = self.into_parts();

        // SAFETY: The memory is mapped in this direction (type invariant), and the device is done
        // (function precondition).
        unsafe { backing.unmap::<D>(UnmapAttrs::given_back::<D, S>()) }
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
        // SAFETY: The type invariants hold (function precondition).
        unsafe { Self::from_parts(backing, S::of(engine)) }
    }

    /// Returns the engine, which is checked before the memory changes hands.
    #[inline]
    pub(crate) fn engine(&self) -> &S::Engine {
        self.state.engine()
    }
}

impl<M: Backing, D: Direction> Dma<M, D, Cpu> {
    /// Makes a handle in the [`Cpu`] state.
    ///
    /// # Safety
    ///
    /// The type invariants must hold.
    #[inline(always)]
    pub(crate) unsafe fn in_cpu(backing: M) -> Self {
        // SAFETY: The type invariants hold (function precondition).
        unsafe { Self::from_parts(backing, Cpu::new()) }
    }

    /// Syncs the memory and gives it to the device behind `engine`.
    ///
    /// Consumes the handle of the CPU, so no reference to the memory is left. The device owns the
    /// memory from here on ([`Device`](crate::Device)), or shares coherent memory with the CPU
    /// ([`Shared`](crate::Shared)).
    ///
    /// C API: see the [table](crate::state#transitions). Context: any.
    #[inline]
    pub fn give<E: Engine>(self, engine: E) -> Dma<M, D, M::Given<E>> {
        let (backing, _before) = self.into_parts();

        // SAFETY: The memory is mapped in this direction (type invariant). The handle was consumed, so
        // there is no reference to the memory.
        unsafe { backing.sync::<D, ForDevice>() };
        // SAFETY: The memory is synced for the device.
        unsafe { Dma::in_device(backing, engine) }
    }

    /// Syncs the memory, as [`give`](Self::give) does, for the device of an engine with the mark `K`. The
    /// caller owns the handle until the device is done, and has the engine.
    #[inline]
    pub(crate) fn posted<K>(self) -> Dma<M, D, Posted<K>> {
        let (backing, _before) = self.into_parts();

        // SAFETY: The memory is mapped in this direction (type invariant). The handle was consumed, so
        // there is no reference to the memory.
        unsafe { backing.sync::<D, ForDevice>() };
        // SAFETY: The memory is synced for the device.
        unsafe { Dma::from_parts(backing, Posted::new()) }
    }
}

impl<M: Backing, D: Direction, S: Returns> Dma<M, D, S> {
    /// Returns the memory to the CPU when the device is done, and syncs it.
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

    /// Returns the memory to the CPU, and stops the device if it is not done.
    ///
    /// It is then not known how much the device has transferred.
    ///
    /// C API: see the [table](crate::state#transitions). Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the handle if the device cannot be stopped.
    #[inline]
    pub fn cancel(self) -> Result<Dma<M, D, Cpu>, Busy<Self>> {
        if self.state.stop() {
            // SAFETY: The engine is idle or was stopped.
            Ok(unsafe { self.into_done() })
        } else {
            Err(Busy(self))
        }
    }
}

impl<M: OneAddress, D: Direction, S: InDevice> Dma<M, D, S> {
    /// Returns the DMA address of the memory, which is contiguous from there on: one segment within the
    /// device's limits, unless the memory was allocated
    /// [beyond them](crate::CoherentOptions::beyond_segment_limits).
    ///
    /// Context: any.
    #[inline]
    pub fn dma_address(&self) -> DmaAddress {
        self.backing.dma_address()
    }
}

impl<M: Unmap, D: Direction, S: InDevice> Dma<M, D, S> {
    /// Unmaps the memory when the device is done, and returns the buffer with what the device wrote.
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
    /// Unmaps the memory, and returns the buffer.
    ///
    /// There is no sync, because the memory is in sync.
    ///
    /// C API: see the [table](crate::state#transitions). Context: any.
    #[inline]
    pub fn unmap(self) -> M::Buffer {
        // SAFETY: The memory is mapped in this direction, and no device accesses it (type invariants).
        unsafe { self.into_buffer() }
    }
}

impl<M: Backing, D: Direction, S: State> Drop for Dma<M, D, S> {
    #[inline]
    fn drop(&mut self) {
        let stopped = self.state.stop();
        self.count(Change::Ended);
        // SAFETY: `backing` is taken once, since the handle is being dropped.
        let backing = unsafe { ManuallyDrop::take(&mut self.backing) };

        if !stopped {
            return backing.quarantine();
        }
        // SAFETY: The memory is mapped in this direction (type invariant), and the engine is idle or
        // was stopped.
        unsafe { backing.release::<D, S>() };
    }
}
