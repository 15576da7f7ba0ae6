// SPDX-License-Identifier: GPL-2.0

//! Pools of buffers that stay mapped.
//!
//! The kernel's own pool of this kind, for network drivers:
//! [`include/net/page_pool/types.h`](srctree/include/net/page_pool/types.h)
//!
//! Each map and unmap updates the IOMMU's tables, and with strict flushing sends a command to the IOMMU.
//! A driver with many small transfers is faster when its buffers stay mapped. Then it must keep track of
//! the owner of each buffer, of the syncs, and of the buffers that are still out when the pool is freed.
//! The types of this module do.
//!
//! # What a buffer holds
//!
//! Zeroes at first, and later the data that the CPU or this pool's device left in it. A driver that
//! reads a buffer beyond what the device wrote finds its own old data, and no other memory of the
//! kernel. (From reading the C code: on 32-bit machines without coherent DMA, the first sync of a buffer
//! for a device that writes may drop the zeroes from the caches before they reach memory. This was not
//! tested.)
//!
//! # Trust in the device
//!
//! A buffer stays mapped while the CPU owns it. So the IOMMU does not stop a late write of the device,
//! after it said that it was done, as it does for unmapped memory.
//! [`Engine::is_idle`](crate::Engine::is_idle) promises that there is no such write. Buffers smaller
//! than a page share pages with buffers of the same pool only. The lists of a pool are not in the
//! buffers. For a device that is not trusted that far, [`read`](MappedBuffer::read) copies data to where
//! the device can't change it, so that the driver uses what it checked; and
//! [`DmaMapping`](crate::DmaMapping) unmaps.

mod buffer;
mod exchange;
mod layout;
mod memory;
mod options;
mod slot;
mod stats;
mod store;
mod teardown;

pub use self::{
    buffer::{
        MappedBuffer,
        Pooled, //
    },
    options::MappedPoolOptions,
    stats::MappedPoolStats, //
};

use self::{
    layout::Layout,
    store::Store, //
};
use super::deferred;
use crate::{
    device::DmaDevice,
    direction::{
        Carries,
        Direction, //
    },
    generic::variance::Invariant,
    gfp::Gfp,
    sys::deferral::Job, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::prelude::*;
use zerocopy::{
    FromBytes,
    IntoBytes, //
};

/// A pool of buffers of one size and direction, which stay mapped.
///
/// [`take`](Self::take) returns a buffer as a [`MappedBuffer`]; dropping it puts it back. Neither waits:
/// each CPU caches some buffers, and all CPUs share a reserve. Neither maps or allocates, unless
/// [`prefill`](MappedPoolOptions::prefill) has left buffers for later. The pool never has more buffers
/// than [`MappedPoolOptions::new`] says.
///
/// A pool may be dropped before its buffers. Its memory is freed when all buffers are back. A buffer
/// that is leaked (`mem::forget`) or quarantined never comes back. It stays mapped, and so do those that
/// share a page with it. As long as one is leaked, all of the pool's memory stays allocated.
///
/// Its counters are in [`stats`](Self::stats), and in debugfs, in `dma_map/<device>-<number>`.
///
/// C API: `dma_alloc_pages()`, `dma_free_pages()`; for another NUMA node `dma_map_phys()`,
/// `dma_unmap_phys()`. Drop context: any. Waits for RCU, on a workqueue if the drop must not sleep.
///
/// # Invariants
///
/// `store` is an open store of a device that is bound during `'bound`, in direction `D`, whose buffers
/// hold elements `T` and are aligned for them.
///
/// # Examples
///
/// ```ignore,run
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
/// # check(room.size() == 2048 && room.as_slice().len() == 2048)?;
/// ```
pub struct MappedPool<'bound, T, D: Direction> {
    store: NonNull<Store>,
    /// Drains the store; taken by the drop.
    drain: Option<Pin<KBox<Job>>>,
    _bound: Invariant<'bound>,
    _buffers: PhantomData<(fn() -> T, D)>,
}

impl<'bound, T, D> MappedPool<'bound, T, D>
where
    T: FromBytes + IntoBytes,
    D: Carries<T>,
{
    /// Makes a pool of buffers of `len` elements.
    ///
    /// `name` is for people: the pool's file in debugfs shows its first 31 bytes.
    ///
    /// Buffers are aligned for `T`, and to cache lines. Those smaller than a page share pages. Larger
    /// ones occupy a power of two of pages.
    ///
    /// C API: `dma_alloc_pages()`. Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: `len` or the maximum is 0, or the size of a buffer is beyond the device's
    ///   [`max_segment_size`](DmaDevice::max_segment_size) or its
    ///   [`segment_boundary`](DmaDevice::segment_boundary), or it overflows.
    /// - `EINVAL`: there is no such NUMA node, or it is offline.
    /// - `ENOMEM`: no memory is left. Always if the maximum is more than the machine has.
    /// - `EIO`: the allocated memory crosses a segment boundary, or is beyond the mask for streaming
    ///   memory, where that is the smaller one; or the requested NUMA node's memory is out of the
    ///   device's reach, and a bounce buffer cannot help (see the table in the [crate's
    ///   documentation](crate#causes-of-errors)); or a buffer is more than the IOMMU has addresses for.
    pub fn new(
        dev: DmaDevice<'bound>,
        name: &CStr,
        len: usize,
        direction: D,
        options: MappedPoolOptions,
    ) -> Result<Self> {
        let _ = direction;
        let layout = Layout::new::<T>(dev, len, options)?;

        let drain = Job::new(Gfp::Kernel)?;
        // SAFETY: The device is bound until the pool, its buffers and their deferred work are gone.
        let store = unsafe { Store::new(dev, name, layout, D::RAW)? };
        // INVARIANT: Made above for `dev`, direction `D` and buffers of elements `T`.
        let this = Self {
            store,
            drain: Some(drain),
            _bound: PhantomData,
            _buffers: PhantomData,
        };

        this.store().prefill()?;
        Ok(this)
    }

    /// Takes a buffer, which the CPU owns.
    ///
    /// It holds what its last use left there, see [above](self). Context: any.
    ///
    /// # Errors
    ///
    /// - `EBUSY`: no buffer is available. All are taken; or other CPUs cache the rest (see
    ///   [`MappedPoolOptions::cache`]), which from now on put buffers back into the reserve; or another
    ///   CPU is allocating the last ones.
    /// - `ENOMEM`, `EIO`: as [`new`](Self::new), if not all buffers were allocated with the pool.
    #[inline]
    pub fn take(&self) -> Result<MappedBuffer<'bound, T, D>> {
        let slot = self.store().take()?;

        // SAFETY: The slot was taken above. Its store is of this direction, with buffers of such
        // elements, which were initialised when they were allocated. No device accesses it.
        Ok(unsafe { MappedBuffer::of(slot) })
    }
}

impl<'bound, T, D: Direction> MappedPool<'bound, T, D> {
    #[inline(always)]
    fn store(&self) -> &Store {
        // SAFETY: By the type invariants the store is open. It is valid until the drop closes it.
        unsafe { self.store.as_ref() }
    }

    /// Returns the device that the buffers are mapped for.
    #[inline]
    pub fn device(&self) -> DmaDevice<'bound> {
        self.store().dev.shorter()
    }

    /// Returns the number of elements in a buffer.
    #[inline]
    pub fn buffer_len(&self) -> usize {
        self.store().layout.size / const { size_of::<T>() }
    }

    /// Returns the pool's counters.
    ///
    /// Context: any. Takes a lock, and visits each CPU's cache.
    pub fn stats(&self) -> MappedPoolStats {
        self.store().stats()
    }
}

impl<T, D: Direction> Drop for MappedPool<'_, T, D> {
    fn drop(&mut self) {
        if let Some(job) = self.drain.take() {
            // SAFETY: This is the drop, so it is called once. The device is bound until the deferred
            // work has run.
            unsafe { deferred::run(job, self.device(), Store::drain, self.store.cast()) };
        }
    }
}

// SAFETY: Any thread may use and drop a pool. It holds `T`s only in buffers, and any bytes are a `T`.
unsafe impl<T, D: Direction> Send for MappedPool<'_, T, D> {}

// SAFETY: The shared state of a store is in per-CPU caches or under its lock.
unsafe impl<T, D: Direction> Sync for MappedPool<'_, T, D> {}
