// SPDX-License-Identifier: GPL-2.0

//! Buffers of a mapped pool.

use super::{
    slot::Slot,
    store::Store, //
};
use crate::{
    device::{
        counts::Kind,
        DmaDevice, //
    },
    direction::{
        CpuReads,
        CpuWrites,
        Direction, //
    },
    engine::Engine,
    handle::{
        Backing,
        Dma,
        ForCpu,
        One,
        OneAddress,
        Receiver, //
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
    dma::DmaAddress,
    prelude::*, //
};

/// A buffer of a [`MappedPool`](super::MappedPool); put back on drop.
///
/// It stays mapped all the time. A new buffer is in the [`Cpu`] state, where the direction decides which
/// accessors exist. [`give`](Dma::give) syncs it and hands it to the device: the handle then has a DMA
/// address, and no accessor. [`complete`](Dma::complete) and [`cancel`](Dma::cancel) return it to the
/// `Cpu` state. A sync is one branch where the device needs none. A driver can keep a buffer for the
/// next transfer, or put it back and take another.
///
/// A buffer does not borrow its pool: it may be stored beside it, and be dropped later.
///
/// Dropping a buffer that the device owns stops the device first; see [`Dma`]. A quarantined buffer
/// stays mapped, is counted in [`DmaDevice::quarantined`], and is never used again.
pub type MappedBuffer<'bound, T, D, S = Cpu> = Dma<Pooled<'bound, T>, D, S>;

/// The backing of [`MappedBuffer`].
///
/// # Invariants
///
/// This value owns `slot`, whose buffer is mapped for a device that is bound during `'bound`. The buffer
/// holds elements `T`, aligned and initialised.
pub struct Pooled<'bound, T> {
    slot: NonNull<Slot>,
    _buffer: PhantomData<(DmaDevice<'bound>, T)>,
}

impl<T> Pooled<'_, T> {
    #[inline(always)]
    fn slot(&self) -> &Slot {
        // SAFETY: By the type invariants this owns the slot, which its store keeps valid.
        unsafe { self.slot.as_ref() }
    }

    #[inline(always)]
    fn store(&self) -> &Store {
        // SAFETY: By the type invariants this owns the slot, whose owner keeps its store (`Slot`).
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

// SAFETY: The memory of a chunk does not move before the store is freed.
unsafe impl<'bound, T> Backing for Pooled<'bound, T> {
    type Device = DmaDevice<'bound>;
    type Given<E: Engine> = Device<E>;
    type Shape = One;
    const KIND: Kind = Kind::BUFFER;

    #[inline]
    fn device(&self) -> DmaDevice<'bound> {
        self.store().dev.shorter()
    }

    #[inline]
    fn size(&self) -> usize {
        self.store().layout.size
    }

    #[inline(always)]
    unsafe fn sync<D: Direction, R: Receiver>(&self) {
        let store = self.store();
        let dev = store.dev.as_raw();

        // SAFETY: By the type invariants the device is bound, and the buffer is mapped; in direction
        // `D`, as the caller guarantees.
        unsafe {
            if ffi::need_sync(dev) {
                let (dma, size) = (self.slot().dma(), store.layout.size);
                (R::SYNC_SINGLE)(dev, dma, size, D::RAW);
            }
        }
    }

    #[inline(always)]
    unsafe fn release<D: Direction, S: State>(self) {
        // SAFETY: By the type invariants this owns the slot, and the device is bound. The caller
        // guarantees that no device accesses the buffer any more. It goes back in sync for the CPU.
        unsafe {
            if S::DEVICE && D::DEVICE_WRITES {
                self.sync::<D, ForCpu>();
            }
            Store::put(self.slot);
        }
    }

    #[inline]
    fn quarantine(self) {
        // SAFETY: By the type invariants this owns the slot, and the device is bound.
        unsafe { Store::quarantine(self.slot) };
    }
}

// SAFETY: By the type invariants the buffer is mapped at `dma`. It is not empty (invariants of
// `Layout`).
unsafe impl<T> OneAddress for Pooled<'_, T> {
    #[inline]
    fn dma_address(&self) -> DmaAddress {
        self.slot().dma()
    }
}

// SAFETY: The value owns the buffer. Any thread may use it and put it back.
unsafe impl<T: Send> Send for Pooled<'_, T> {}

// SAFETY: In the `Cpu` state a shared reference gives `&T`, which is sound for `T: Sync`. In the other
// states it gives an address.
unsafe impl<T: Sync> Sync for Pooled<'_, T> {}

impl<T, D: Direction> MappedBuffer<'_, T, D, Cpu> {
    /// Makes a handle.
    ///
    /// # Safety
    ///
    /// The caller must own `slot`, and gives it up to the handle. The type invariants must hold, and no
    /// device may access the buffer.
    #[inline(always)]
    pub(super) unsafe fn of(slot: NonNull<Slot>) -> Self {
        // INVARIANT: The caller gives up the slot, and guarantees the rest.
        let backing = Pooled {
            slot,
            _buffer: PhantomData,
        };
        // SAFETY: The caller guarantees that no device accesses the buffer; it is in sync.
        unsafe { Self::in_cpu(backing) }.counted()
    }

    /// Returns the elements that the device wrote.
    ///
    /// The memory is still mapped: use [`read`](Self::read) if the device may write after it was done.
    #[inline]
    pub fn as_slice(&self) -> &[T]
    where
        D: CpuReads,
    {
        // SAFETY: By the type invariants the buffer is valid, initialised and the CPU's.
        unsafe { self.backing.elements().as_ref() }
    }

    /// Returns the elements, to write them for the device.
    ///
    /// They hold what the last use of the buffer left there, see the [module](super).
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [T]
    where
        D: CpuWrites,
    {
        // SAFETY: By the type invariants the buffer is valid, initialised and the CPU's.
        unsafe { self.backing.elements().as_mut() }
    }

    /// Copies elements from `start` on to `data`, where no device can change them.
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

        // SAFETY: The range is within the buffer, which is initialised and the CPU's. If the device
        // breaks its engine's promise, the copy has wrong elements, but any bytes are a valid element.
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

        // SAFETY: The range is within the buffer, which is the CPU's and borrowed exclusively.
        unsafe { to.copy_from_nonoverlapping(NonNull::from(data).cast(), data.len()) };
        Ok(())
    }

    /// Returns the first of `count` elements from `start` on, if the buffer has so many.
    #[inline]
    fn range(&self, start: usize, count: usize) -> Result<NonNull<T>> {
        let end = start.checked_add(count).ok_or(EINVAL)?;
        if end > self.len() {
            return Err(EINVAL);
        }

        // SAFETY: `start` is at most the number of elements (checked above).
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
