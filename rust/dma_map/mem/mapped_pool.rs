// SPDX-License-Identifier: GPL-2.0

//! Pools of buffers that stay mapped and change their owner.
//!
//! C header: [`include/net/page_pool/types.h`](srctree/include/net/page_pool/types.h), which is the
//! kernel's own of this kind, for network drivers
//!
//! Mapping and unmapping a buffer for each transfer costs what the IOMMU's tables cost, and with strict
//! flushing a command to its hardware each time. A driver that moves many small things is faster when
//! its buffers stay mapped. By hand that takes care: who has which buffer, whether it was synced, and
//! whether all are back when they are freed. Here that is what the types say.
//!
//! # What a buffer holds
//!
//! Zeroes at first, and later what was left in it by its last use, by the CPU or by the device of this
//! pool. A driver that reads a buffer beyond what the device wrote finds old data of its own, and
//! nothing else of the kernel's memory. (By reading C's code: on 32-bit machines without coherent DMA,
//! the first sync of a buffer for a device that writes may drop the zeroes from the caches before they
//! are in memory. No such machine was tried.)
//!
//! # What a pool trusts the device with
//!
//! A buffer stays mapped while the CPU has it. So an IOMMU does not stop a device that writes late,
//! after it said that it was done, as it does for what is unmapped; that it does not do that is what
//! [`Engine::is_idle`](crate::Engine::is_idle) promises. Buffers smaller than a page share pages, with
//! others of the same pool only. The lists of a pool are not in the buffers. For a device that is not
//! trusted that far, [`read`](MappedBuffer::read) copies data to where the device can't change it, so
//! that what is checked is what is used; and [`DmaMapping`](crate::DmaMapping) unmaps.

mod buffer;
mod end;
mod exchange;
mod job;
mod layout;
mod memory;
mod options;
mod slot;
mod stats;
mod store;

pub use self::{
    buffer::{
        MappedBuffer,
        Pooled, //
    },
    options::MappedPoolOptions,
    stats::MappedPoolStats, //
};

pub(crate) use self::stats::Owner;

use self::{
    job::Job,
    layout::Layout,
    store::Store, //
};
use crate::{
    device::DmaDevice,
    direction::{
        Carries,
        Direction, //
    },
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::prelude::*;
use zerocopy::{
    FromBytes,
    IntoBytes, //
};

/// A pool of buffers of one size and direction, which stay mapped.
///
/// [`take`](Self::take) takes a buffer, as a [`MappedBuffer`]; dropping that puts it back. Neither waits:
/// on each CPU some buffers are at hand, and a reserve is there for all CPUs. Neither maps or allocates,
/// unless [`prefill`](MappedPoolOptions::prefill) has left buffers for later. There are never more than
/// [`MappedPoolOptions::new`] says.
///
/// A pool may be dropped before its buffers are: what is back is freed when all are. A buffer that is
/// leaked (`mem::forget`), or quarantined, never comes back; it stays mapped, and so do those that share
/// a page with it. As long as one is leaked, all of the pool's memory stays.
///
/// What it counts is in [`stats`](Self::stats), and in debugfs, in `dma_map/<device>-<number>`.
///
/// C API: `dma_alloc_pages()`, `dma_free_pages()`; for another NUMA node `dma_map_phys()`,
/// `dma_unmap_phys()`. Drop context: any; waits for RCU, or where it must not sleep, has a workqueue do
/// that.
///
/// # Invariants
///
/// `store` is an open store of `dev`, in direction `D`, whose buffers hold `len` elements `T` and are
/// aligned for them.
///
/// # Examples
///
/// ```ignore
/// # const ADDRESS: usize = 0x10;
/// # let length = 60;
/// # fn handle(_: &[u8]) {}
/// let pool = MappedPool::<u8, _>::new(dma, c"rx", 2048, FromDevice, MappedPoolOptions::new(256))?;
///
/// // For each transfer: no map, no unmap.
/// let room = pool.take()?.give(engine);
/// regs.try_write64(room.dma_address(), ADDRESS)?;
/// // ... when the device is done:
/// let room = room.complete()?;
/// handle(&room.as_slice()[..length]);
/// ```
pub struct MappedPool<'bound, T, D: Direction> {
    dev: DmaDevice<'bound>,
    store: NonNull<Store>,
    len: usize,
    // Taken out by the drop.
    drain: ManuallyDrop<Pin<KBox<Job>>>,
    _buffers: PhantomData<(fn() -> T, D)>,
}

impl<'bound, T, D> MappedPool<'bound, T, D>
where
    T: FromBytes + IntoBytes,
    D: Carries<T>,
{
    /// Makes a pool of buffers of `len` elements.
    ///
    /// `name` is for people: it stands in the pool's file in debugfs, cut after 31 bytes.
    ///
    /// Buffers are aligned for `T`, and to cache lines. Those smaller than a page share pages; larger
    /// ones are a power of two of pages.
    ///
    /// C API: `dma_alloc_pages()`. Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: `len` or the maximum is 0, or the size of a buffer is beyond the device's
    ///   [`max_segment_size`](DmaDevice::max_segment_size) or its
    ///   [`segment_boundary`](DmaDevice::segment_boundary), or it overflows.
    /// - `EINVAL`: there is no such NUMA node, or it is offline.
    /// - `ENOMEM`: there is no memory; always if the maximum is more than the machine has.
    /// - `EIO`: the memory that was found crosses a segment boundary, or is beyond the mask for streaming
    ///   memory, where that is the smaller one; or it is on the NUMA node that was
    ///   asked for, out of the device's reach, and a bounce buffer cannot help (see the table in the
    ///   [crate's documentation](crate#errors)); or a buffer is more than the IOMMU has addresses for.
    pub fn new(
        dev: DmaDevice<'bound>,
        name: &CStr,
        len: usize,
        direction: D,
        options: MappedPoolOptions,
    ) -> Result<Self> {
        let _ = direction;
        let layout = Layout::new::<T>(dev, len, options)?;

        Self::of(dev, len, Job::new()?, {
            // SAFETY: The device is bound as long as this pool and its buffers exist, and until what
            // they put off is done.
            unsafe { Store::new(dev, name, layout, D::RAW)? }
        })
    }

    fn of(
        dev: DmaDevice<'bound>,
        len: usize,
        drain: Pin<KBox<Job>>,
        store: NonNull<Store>,
    ) -> Result<Self> {
        // INVARIANT: Made by the caller, for this direction and buffers of this length.
        let this = Self {
            dev,
            store,
            len,
            drain: ManuallyDrop::new(drain),
            _buffers: PhantomData,
        };

        this.store().prefill()?;
        Ok(this)
    }

    /// Takes a buffer, which is the CPU's.
    ///
    /// What it holds is what its last use left there, see [above](self). Context: any.
    ///
    /// # Errors
    ///
    /// - `EBUSY`: no buffer is there. All are taken, or at hand on other CPUs (see
    ///   [`MappedPoolOptions::cache`]), which will put back what they get from here on, or another CPU
    ///   is allocating the last ones.
    /// - `ENOMEM`, `EIO`: as [`new`](Self::new), if not all buffers were allocated when the pool was
    ///   made.
    #[inline]
    pub fn take(&self) -> Result<MappedBuffer<'bound, T, D>> {
        let slot = self.store().take()?;

        // SAFETY: Taken above, of a store of this direction with buffers of such elements, which were
        // initialised when they were allocated. No device accesses it.
        Ok(unsafe { MappedBuffer::of(slot) })
    }
}

impl<'bound, T, D: Direction> MappedPool<'bound, T, D> {
    #[inline(always)]
    fn store(&self) -> &Store {
        // SAFETY: By the type invariants the store is open, and stays until it is closed on drop.
        unsafe { self.store.as_ref() }
    }

    /// Returns the device that the buffers are mapped for.
    #[inline]
    pub fn device(&self) -> DmaDevice<'bound> {
        self.dev
    }

    /// Returns the number of elements in a buffer.
    #[inline]
    pub fn buffer_len(&self) -> usize {
        self.len
    }

    /// Returns what the pool counts.
    ///
    /// Context: any; takes a lock, and looks at each CPU.
    pub fn stats(&self) -> MappedPoolStats {
        self.store().stats()
    }
}

impl<T, D: Direction> Drop for MappedPool<'_, T, D> {
    fn drop(&mut self) {
        self.store().release();

        // SAFETY: `drain` is not used again.
        let job = unsafe { ManuallyDrop::take(&mut self.drain) };
        // SAFETY: Released above, once, and not used again; the device is bound until what is put off is
        // done.
        unsafe { job::run(job, Store::drain, self.store) };
    }
}

// SAFETY: Any thread may use and drop a pool. There are no `T`s in it but in buffers, which are any
// bytes.
unsafe impl<T, D: Direction> Send for MappedPool<'_, T, D> {}

// SAFETY: As above; what is shared is in the caches of CPUs, or locked.
unsafe impl<T, D: Direction> Sync for MappedPool<'_, T, D> {}
