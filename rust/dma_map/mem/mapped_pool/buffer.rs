// SPDX-License-Identifier: GPL-2.0

//! A buffer of a pool.

use super::{
    slot::Slot,
    store::Store, //
};
use crate::{
    device::DmaDevice,
    direction::{
        CpuReads,
        CpuWrites,
        Direction, //
    },
    engine::{
        self,
        Engine, //
    },
    error::Busy,
    state::{
        Cpu,
        Device,
        State, //
    },
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// A buffer of a [`MappedPool`](super::MappedPool); put back on drop.
///
/// It stays mapped all the time. In the [`Cpu`] state, in which it is taken, accessors follow the
/// direction. [`give`](Self::give) syncs it and hands it to the device: there is an address then, and no
/// accessor. [`complete`](MappedBuffer::complete) and [`cancel`](MappedBuffer::cancel) lead back. A sync
/// is one branch where the device needs none. A driver can keep a buffer and go on with that, or put it
/// back and take another one.
///
/// A buffer is not tied to its pool: it may be kept beside it, and be dropped later.
///
/// Dropping a buffer that the device owns asks the engine first: a device that is busy is stopped, and
/// if it can't be stopped, the buffer is quarantined: it stays mapped, is counted in
/// [`DmaDevice::quarantined`], and never used again.
///
/// Drop context: any.
///
/// # Invariants
///
/// - This handle has `slot`, whose buffer is mapped in direction `D`, for a device that is bound during
///   `'bound`, and holds elements `T`: aligned and initialised.
/// - In the [`Cpu`] state it is synced for the CPU, and the device does not access it.
/// - In the [`Device`] state it is synced for the device.
pub struct MappedBuffer<'bound, T, D: Direction, S: State = Cpu> {
    slot: NonNull<Slot>,
    state: S,
    _buffer: PhantomData<(DmaDevice<'bound>, T, D)>,
}

impl<'bound, T, D: Direction> MappedBuffer<'bound, T, D, Cpu> {
    /// Makes a handle.
    ///
    /// # Safety
    ///
    /// The caller must have `slot`, which the handle has from here on, and the type invariants must
    /// hold.
    #[inline(always)]
    pub(super) unsafe fn new(slot: NonNull<Slot>) -> Self {
        // INVARIANT: By the safety requirements of this function.
        Self {
            slot,
            state: Cpu::new(),
            _buffer: PhantomData,
        }
    }

    /// Syncs the buffer and gives it to the device behind `engine`.
    ///
    /// C API: `dma_sync_single_for_device()`. Context: any.
    #[inline]
    pub fn give<E: Engine>(self, engine: E) -> MappedBuffer<'bound, T, D, Device<E>> {
        // SAFETY: By the type invariants. The handle was consumed, so the CPU is done.
        unsafe { Store::sync_for_device(self.slot()) };

        // INVARIANT: Synced above.
        self.into_state(|_| Device::new(engine))
    }

    /// Returns the elements that the device wrote.
    ///
    /// The memory is still mapped. The elements of a device that may write to it after it said that it
    /// was done are read by [`read`](Self::read).
    #[inline]
    pub fn as_slice(&self) -> &[T]
    where
        D: CpuReads,
    {
        // SAFETY: By the type invariants the buffer is valid, initialised and the CPU's.
        unsafe { self.elements().as_ref() }
    }

    /// Returns the elements, to be written for the device.
    ///
    /// They are what the last use of the buffer left there, see the [module](super).
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [T]
    where
        D: CpuWrites,
    {
        // SAFETY: By the type invariants the buffer is valid, initialised and the CPU's.
        unsafe { self.elements().as_mut() }
    }

    /// Copies elements from `start` on to `data`, which no device can change any more.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the range does not lie within the buffer; `data` is not changed then.
    #[inline]
    pub fn read(&self, start: usize, data: &mut [T]) -> Result
    where
        T: Copy,
        D: CpuReads,
    {
        let from = self.range(start, data.len())?;

        // SAFETY: Within the buffer, which is initialised and the CPU's; a device that breaks its
        // engine's promise makes the copy wrong, of elements of which any bytes are a value.
        unsafe { from.copy_to_nonoverlapping(NonNull::from(&mut *data).cast(), data.len()) };
        Ok(())
    }

    /// Copies `data` to the elements from `start` on.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the range does not lie within the buffer; nothing is written then.
    #[inline]
    pub fn write(&mut self, start: usize, data: &[T]) -> Result
    where
        T: Copy,
        D: CpuWrites,
    {
        let to = self.range(start, data.len())?;

        // SAFETY: Within the buffer, which is the CPU's, and borrowed exclusively.
        unsafe { to.copy_from_nonoverlapping(NonNull::from(data).cast(), data.len()) };
        Ok(())
    }

    /// The first of `count` elements from `start` on, if there are so many.
    #[inline]
    fn range(&self, start: usize, count: usize) -> Result<NonNull<T>> {
        let end = start.checked_add(count).ok_or(EINVAL)?;
        if end > self.len() {
            return Err(EINVAL);
        }

        // SAFETY: Checked above.
        Ok(unsafe { self.slot().cpu().cast::<T>().add(start) })
    }
}

impl<'bound, T, D: Direction, E: Engine> MappedBuffer<'bound, T, D, Device<E>> {
    /// Returns the address at which the device reaches the buffer.
    ///
    /// All elements are at the addresses from here on, contiguously: one segment within the device's
    /// limits. Context: any.
    #[inline]
    pub fn dma_address(&self) -> DmaAddress {
        self.slot().dma()
    }

    /// Takes the buffer back for the CPU when the device is done, and syncs it.
    ///
    /// C API: `dma_sync_single_for_cpu()`. Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the buffer if the engine is not idle.
    #[inline]
    pub fn complete(self) -> Result<MappedBuffer<'bound, T, D, Cpu>, Busy<Self>> {
        if engine::is_idle(&self.state.0) {
            // SAFETY: The engine is idle.
            Ok(unsafe { self.into_cpu() })
        } else {
            Err(Busy(self))
        }
    }

    /// Takes the buffer back for the CPU, stopping the device if it is not done.
    ///
    /// C API, context: as [`complete`](Self::complete).
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the buffer if the device cannot be stopped.
    #[inline]
    pub fn cancel(self) -> Result<MappedBuffer<'bound, T, D, Cpu>, Busy<Self>> {
        if self.state.stop() {
            // SAFETY: The engine is stopped.
            Ok(unsafe { self.into_cpu() })
        } else {
            Err(Busy(self))
        }
    }

    /// What the transition is asked of.
    #[inline]
    pub(crate) fn engine(&self) -> &E {
        &self.state.0
    }

    /// The transition to the CPU.
    ///
    /// # Safety
    ///
    /// The engine must be idle, or must have been stopped since it was told of this memory.
    #[inline]
    pub(crate) unsafe fn into_cpu(self) -> MappedBuffer<'bound, T, D, Cpu> {
        // SAFETY: By the type invariants; the device is done.
        unsafe { Store::sync_for_cpu(self.slot()) };

        // INVARIANT: The caller has seen that the device is done; synced above.
        self.into_state(|_| Cpu::new())
    }
}

impl<'bound, T, D: Direction, S: State> MappedBuffer<'bound, T, D, S> {
    #[inline(always)]
    fn slot(&self) -> &Slot {
        // SAFETY: By the type invariants.
        unsafe { self.slot.as_ref() }
    }

    #[inline(always)]
    fn store(&self) -> &Store {
        // SAFETY: By the type invariants; who has a slot keeps its store.
        unsafe { self.slot().store().as_ref() }
    }

    #[inline(always)]
    fn elements(&self) -> NonNull<[T]> {
        NonNull::slice_from_raw_parts(self.slot().cpu().cast(), self.len())
    }

    /// Returns the size of the buffer in bytes.
    #[inline]
    pub fn size(&self) -> usize {
        self.store().layout.size
    }

    /// Returns the number of elements.
    #[inline]
    #[expect(
        clippy::len_without_is_empty,
        reason = "never empty, by the invariants"
    )]
    pub fn len(&self) -> usize {
        self.size() / const { size_of::<T>() }
    }

    /// Returns the device that the buffer is mapped for.
    #[inline]
    pub fn device(&self) -> DmaDevice<'bound> {
        self.store().dev.shorter()
    }

    /// Changes the state.
    #[inline(always)]
    fn into_state<N: State>(self, change: impl FnOnce(S) -> N) -> MappedBuffer<'bound, T, D, N> {
        let this = ManuallyDrop::new(self);

        MappedBuffer {
            slot: this.slot,
            // SAFETY: `this` is not dropped and not used again, so the state is moved out once.
            state: change(unsafe { core::ptr::read(&this.state) }),
            _buffer: PhantomData,
        }
    }
}

impl<T, D: Direction, S: State> Drop for MappedBuffer<'_, T, D, S> {
    #[inline]
    fn drop(&mut self) {
        if !self.state.stop() {
            // SAFETY: By the type invariants the slot is ours, and the device is bound.
            unsafe { Store::quarantine(self.slot) };
            return;
        }

        // SAFETY: As above; no device accesses the buffer any more. The next one to take it finds it
        // in sync.
        unsafe {
            if S::DEVICE && D::DEVICE_WRITES {
                Store::sync_for_cpu(self.slot());
            }
            Store::put(self.slot);
        }
    }
}

// SAFETY: The handle owns the buffer, which any thread may use and put back.
unsafe impl<T: Send, D: Direction, S: State + Send> Send for MappedBuffer<'_, T, D, S> {}

// SAFETY: A shared handle gives `&T` in the `Cpu` state, which is sound for `T: Sync`, and an address in
// the other.
unsafe impl<T: Sync, D: Direction, S: State + Sync> Sync for MappedBuffer<'_, T, D, S> {}
