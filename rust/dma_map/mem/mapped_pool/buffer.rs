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
    engine::Engine,
    handle::{
        Backing,
        Dma,
        One,
        OneAddress, //
    },
    state::{
        Cpu,
        Device,
        State, //
    },
    sys::ffi, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    dma::DmaAddress,
    prelude::*, //
};

/// A buffer of a [`MappedPool`](super::MappedPool); put back on drop.
///
/// It stays mapped all the time. In the [`Cpu`] state, in which it is taken, accessors follow the
/// direction. [`give`](Dma::give) syncs it and hands it to the device: there is an address then, and no
/// accessor. [`complete`](Dma::complete) and [`cancel`](Dma::cancel) lead back. A sync
/// is one branch where the device needs none. A driver can keep a buffer and go on with that, or put it
/// back and take another one.
///
/// A buffer is not tied to its pool: it may be kept beside it, and be dropped later.
///
/// Dropping a buffer that the device owns stops the device first; see [`Dma`]. A buffer that is
/// quarantined stays mapped, is counted in [`DmaDevice::quarantined`], and never used again.
pub type MappedBuffer<'bound, T, D, S = Cpu> = Dma<Pooled<'bound, T>, D, S>;

/// A buffer of a pool.
///
/// # Invariants
///
/// This has `slot`, whose buffer is mapped for a device that is bound during `'bound`, and holds elements
/// `T`: aligned and initialised.
pub struct Pooled<'bound, T> {
    slot: NonNull<Slot>,
    _buffer: PhantomData<(DmaDevice<'bound>, T)>,
}

impl<T> Pooled<'_, T> {
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

    #[inline(always)]
    fn len(&self) -> usize {
        self.size() / const { size_of::<T>() }
    }
}

// SAFETY: Buffers stay where they are.
unsafe impl<'bound, T> Backing for Pooled<'bound, T> {
    type Device = DmaDevice<'bound>;
    type Given<E: Engine> = Device<E>;
    type Shape = One;

    #[inline]
    fn device(&self) -> DmaDevice<'bound> {
        self.store().dev.shorter()
    }

    #[inline]
    fn size(&self) -> usize {
        self.store().layout.size
    }

    #[inline(always)]
    unsafe fn sync_for_cpu<D: Direction>(&self) {
        let store = self.store();
        let dev = store.dev.as_raw();

        // SAFETY: By the type invariants the device is bound, and the buffer mapped in this direction.
        unsafe {
            if ffi::need_sync(dev) {
                let (dma, size) = (self.slot().dma(), store.layout.size);
                bindings::__dma_sync_single_for_cpu(dev, dma, size, D::RAW);
            }
        }
    }

    #[inline(always)]
    unsafe fn sync_for_device<D: Direction>(&self) {
        let store = self.store();
        let dev = store.dev.as_raw();

        // SAFETY: By the type invariants the device is bound, and the buffer mapped in this direction.
        unsafe {
            if ffi::need_sync(dev) {
                let (dma, size) = (self.slot().dma(), store.layout.size);
                bindings::__dma_sync_single_for_device(dev, dma, size, D::RAW);
            }
        }
    }

    #[inline(always)]
    unsafe fn release<D: Direction, S: State>(self) {
        // SAFETY: By the type invariants the slot is ours, and the device is bound. No device accesses
        // the buffer any more. The next one to take it finds it in sync.
        unsafe {
            if S::DEVICE && D::DEVICE_WRITES {
                self.sync_for_cpu::<D>();
            }
            Store::put(self.slot);
        }
    }

    #[inline]
    fn quarantine(self) {
        // SAFETY: By the type invariants the slot is ours, and the device is bound.
        unsafe { Store::quarantine(self.slot) };
    }
}

// SAFETY: By the type invariants; buffers are not empty.
unsafe impl<T> OneAddress for Pooled<'_, T> {
    #[inline]
    fn dma_address(&self) -> DmaAddress {
        self.slot().dma()
    }
}

// SAFETY: The value owns the buffer, which any thread may use and put back.
unsafe impl<T: Send> Send for Pooled<'_, T> {}

// SAFETY: By a shared reference there is `&T` in the `Cpu` state, which is sound for `T: Sync`, and an
// address in the others.
unsafe impl<T: Sync> Sync for Pooled<'_, T> {}

impl<T, D: Direction> MappedBuffer<'_, T, D, Cpu> {
    /// Makes a handle.
    ///
    /// # Safety
    ///
    /// The caller must have `slot`, which the handle has from here on, and the type invariants must
    /// hold.
    #[inline(always)]
    pub(super) unsafe fn of(slot: NonNull<Slot>) -> Self {
        // INVARIANT: By the safety requirements of this function.
        let backing = Pooled {
            slot,
            _buffer: PhantomData,
        };
        // SAFETY: As above.
        unsafe { Self::in_cpu(backing) }
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
        unsafe { self.backing.elements().as_ref() }
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
        unsafe { self.backing.elements().as_mut() }
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
        Ok(unsafe { self.backing.slot().cpu().cast::<T>().add(start) })
    }
}

impl<T, D: Direction, S: State> MappedBuffer<'_, T, D, S> {
    /// Returns the number of elements.
    #[inline]
    #[expect(
        clippy::len_without_is_empty,
        reason = "never empty, by the invariants"
    )]
    pub fn len(&self) -> usize {
        self.backing.len()
    }
}
