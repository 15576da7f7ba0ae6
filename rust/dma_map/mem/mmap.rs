// SPDX-License-Identifier: GPL-2.0

//! User space mappings of a device's memory.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)
//!
//! `dma_mmap_attrs()` writes page table entries that hold no reference to the pages behind them. "The
//! coherent DMA buffer must not be freed by the driver until the user space mapping has been released",
//! says its kernel-doc, and nothing enforces it: a process keeps its mapping when it closes the file,
//! when the device is unbound and when the driver is gone. [`Mmap`] reverses the order: it removes the
//! mappings before it frees the memory.
//!
//! # Why no mapping outlives the memory
//!
//! 1. Only [`Mmap::mmap`] makes a mapping, and it borrows the `Mmap`. Removing the mappings borrows it
//!    exclusively. So no new mapping appears meanwhile, and removed ones stay removed.
//! 2. Each `mmap()` is listed, with its `mm_struct`, before its first page table entry is written. It
//!    leaves the list when the last VMA that stems from it is closed, and by then its entries are gone.
//!    A VMA does not get into another `mm_struct`: `VM_DONTCOPY`, which `VM_IO` makes irrevocable, keeps
//!    `fork()` from copying it. So opening a VMA (a split, a move) allocates nothing and cannot fail.
//! 3. [`Mmap::revoke`] takes the `mmap_lock` of each listed `mm_struct` *for writing*. That waits for an
//!    `mmap()` whose VMA is not in the tree yet. It also waits for a `munmap()` whose VMA has left the
//!    tree but still has entries, because that continues with the lock held for reading. Then it clears
//!    the entries of all VMAs of the region. Nothing writes them again: there is no `fault` operation,
//!    so an access is a `SIGBUS`.
//! 4. [`Mmap::revoke`] does the same if the `mm_struct` has no users left. No thread runs in it then,
//!    but its entries stay until it is torn down. A device that shares the page tables of the process
//!    may use them, and a kernel that checks that no mapped page is freed may find them. The lock also
//!    waits for the end of the teardown: the VMAs still exist, and are cleared, or they are gone.
//! 5. Nothing else keeps freed memory in use. Entries of `remap_pfn_range()` are "special", and
//!    `get_user_pages()` refuses them. Behind an IOMMU the C API maps pages with references to them,
//!    which a process can pin (the fast path does not check `VM_IO`). Such a page is not free before it
//!    is unpinned, whatever the driver does.
//!
//! # A process that is stuck
//!
//! A process that is stuck in the kernel with its `mmap_lock` held must not hold up others. So each
//! region has a work item that waits for the locks, on a queue that nobody flushes, and [`Mmap::revoke`]
//! waits for the work for 5 seconds. After that the memory is not freed but quarantined, like that of a
//! device that does not stop. The work removes the mapping when it gets the lock. The VMA holds
//! references to the modules whose code it needs.
//!
//! # Consequences
//!
//! Because of point 5, mappable memory does not become the CPU's again: a pin may still write to it.
//! There is no way back from an [`Mmap`] to its handle.
//!
//! A driver whose `mmap` operation fails *after* [`Mmap::mmap`] has succeeded leaves a list entry for a
//! VMA that is never closed. That leaks a little memory, and has no other effect.

use super::deferred;
use crate::{
    device::{
        counts::Change,
        DmaDevice, //
    },
    direction::Direction,
    error::MapError,
    generic::{
        errno::to_result,
        variance::CrateToken, //
    },
    handle::{
        Backing,
        Dma, //
    },
    state::Returns,
    sys::{
        ffi,
        leak_tracking::{
            self,
            Entry, //
        },
        region::Region, //
    },
};
use core::{
    mem::ManuallyDrop,
    ops::Deref, //
};
use kernel::{
    bindings,
    mm::virt::{
        flags,
        VmaNew, //
    },
    page::PAGE_SIZE,
    prelude::*,
    sync::Arc, //
};

pub(crate) mod private {
    use super::*;

    /// Memory that the C API maps into user space.
    pub trait MmapBacking: Backing {
        fn bound(&self) -> DmaDevice<'_>;

        /// # Safety
        ///
        /// The memory must be mapped in direction `D`. `vma` must be under initialisation, and map
        /// nothing yet.
        unsafe fn mmap<D: Direction>(&self, vma: *mut bindings::vm_area_struct) -> c_int;

        /// Returns the memory, which has direction `D`, as what frees it.
        fn memory<D: Direction>(&self) -> Entry;
    }

    /// The operations that [`Mmap`] needs of a handle.
    pub trait MmapBackend {
        fn device(&self, _: CrateToken) -> DmaDevice<'_>;

        fn size(&self) -> usize;

        /// Stops the device, and returns whether it no longer accesses the memory.
        fn stop(&self) -> bool;

        /// # Safety
        ///
        /// `vma` must be under initialisation, and map nothing yet.
        unsafe fn mmap(&self, vma: *mut bindings::vm_area_struct) -> c_int;

        /// Consumes the handle without freeing its memory.
        fn into_memory(self) -> Entry;
    }

    impl<M: MmapBacking, D: Direction, S: Returns> MmapBackend for Dma<M, D, S> {
        fn device(&self, _: CrateToken) -> DmaDevice<'_> {
            self.backing.bound()
        }

        fn size(&self) -> usize {
            self.backing.size()
        }

        fn stop(&self) -> bool {
            self.state().stop()
        }

        unsafe fn mmap(&self, vma: *mut bindings::vm_area_struct) -> c_int {
            // SAFETY: By the type invariants the memory is mapped in direction `D`. The caller guarantees
            // that `vma` is under initialisation.
            unsafe { self.backing.mmap::<D>(vma) }
        }

        fn into_memory(self) -> Entry {
            self.count(Change::Ended);
            self.into_parts().0.memory::<D>()
        }
    }
}

/// Handles whose memory can be mapped into user space.
///
/// They are in the states in which the kernel has no reference to the memory, because processes write to
/// it at any time. [`CoherentHandle`](crate::CoherentHandle) is not one of them: its memory is not
/// zeroed.
pub trait Mappable: private::MmapBackend {}
impl<H: private::MmapBackend> Mappable for H {}

/// Memory that processes can map until it is dropped.
///
/// Dereferences to the handle. The drop removes the mappings, then drops the handle; a later access of a
/// process is a `SIGBUS`. An `Mmap` that is kept in a [`Gate`](crate::gate::Gate) is dropped at unbind.
/// If a process holds its `mmap_lock` for 5 seconds, the memory is
/// [quarantined](self#a-process-that-is-stuck).
///
/// C API: `dma_mmap_attrs()`, `dma_mmap_pages()`, `dma_mmap_noncontiguous()`. Drop context: any. Where
/// the drop may not sleep, a workqueue removes the mappings and frees the memory. Within the `mmap`
/// operation of a file, the process itself holds the lock.
///
/// # Invariants
///
/// - `memory` is a handle of whole pages, and is not dropped before `region` was revoked.
/// - `region` lists all mappings of `memory`, and no others.
///
/// # Examples
///
/// ```ignore
/// # struct Driver<'bound, E: Engine> { frame: Mmap<DmaCoherent<'bound, [u32], Shared<E>>> }
/// # fn probe<'bound, E: Engine>(dma: DmaDevice<'bound>, engine: E) -> Result<Driver<'bound, E>> {
/// // In probe, for what is kept in a gate:
/// let frame = DmaCoherent::<[u32]>::zeroed_slice(dma, 16 * 1024, Gfp::Kernel)?;
/// let frame = Mmap::new(frame.give(engine))?;
/// # Ok(Driver { frame })
/// # }
/// # struct Idle;
/// # // SAFETY: There is no device.
/// # unsafe impl Engine for Idle {
/// #     type Mark = Self;
/// #     fn is_idle(&self) -> bool { true }
/// #     fn quiesce(&self) -> Result { Ok(()) }
/// # }
/// # type Gated<'x> = Driver<'x, Idle>;
/// # impl Guarded for Gated<'_> {
/// #     fn shutdown(&self) {}
/// # }
/// # struct Open { gate: Arc<Gate<ForLt!(Gated<'_>)>> }
/// # impl Open {
/// # fn mmap(&self, vma: &VmaNew) -> Result {
///
/// // In the file's mmap operation:
/// let inside = self.gate.try_access().ok_or(ENODEV)?;
/// inside.with(|driver| driver.frame.mmap(vma))
/// # }
/// # }
/// ```
pub struct Mmap<H: Mappable> {
    memory: ManuallyDrop<H>,
    region: Arc<Region>,
}

impl<H: Mappable> Mmap<H> {
    /// Makes the memory of a handle mappable.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// The handle comes back with each of them:
    ///
    /// - `EINVAL`: the size is not a multiple of the page size. A process maps whole pages, and the rest
    ///   of the last page may belong to somebody else.
    /// - `ENXIO`: this device's memory cannot be mapped (`dma_can_mmap()`).
    /// - `ENOMEM`.
    pub fn new(memory: H) -> Result<Self, MapError<H>> {
        match Self::region_for(&memory) {
            // INVARIANT: The memory is of whole pages (`region_for`), and nothing is mapped yet.
            Ok(region) => Ok(Self {
                memory: ManuallyDrop::new(memory),
                region,
            }),
            Err(error) => Err(MapError {
                error,
                buffer: memory,
            }),
        }
    }

    fn region_for(memory: &H) -> Result<Arc<Region>> {
        let dev = memory.device(CrateToken(())).as_raw();
        if memory.size() % PAGE_SIZE != 0 {
            return Err(EINVAL);
        }
        // Without that bit in an entry, the flags of a VMA decide what its entries are, and the `kernel`
        // crate lets a driver set more flags.
        let special = cfg!(CONFIG_ARCH_HAS_PTE_SPECIAL);
        // SAFETY: The device is bound.
        if !special || !unsafe { bindings::dma_can_mmap(dev) } {
            return Err(ENXIO);
        }

        let region = Region::new()?;
        let tracked = leak_tracking::ListNode::new()?;
        // SAFETY: The region is of this device's memory, and its release untracks it first.
        unsafe { tracked.add(dev, || Entry::Region(region.clone())) };
        Ok(region)
    }

    /// Maps the memory into a process, from the page offset of `vma` on.
    ///
    /// For the `mmap` operation of a file, which decides by the methods of `vma` what the process may
    /// do: [`try_clear_maywrite()`](VmaNew::try_clear_maywrite) makes the memory read-only. The mapping
    /// is not inherited by `fork()`, and not part of a core dump.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: the mapping is private, which would be a copy.
    /// - `EBUSY`: the VMA has a mapping already.
    /// - `ENXIO`: the VMA is larger than the memory from there on.
    /// - `ENOMEM`.
    pub fn mmap(&self, vma: &VmaNew) -> Result {
        if vma.flags() & flags::MAYSHARE == 0 {
            return Err(EINVAL);
        }
        // The C functions assume that nothing is mapped yet. Everything that writes page table entries
        // for a driver sets one of these two flags.
        if vma.flags() & (flags::PFNMAP | flags::MIXEDMAP) != 0 {
            return Err(EBUSY);
        }

        vma.set_io();
        vma.set_dontcopy();
        vma.set_dontexpand();
        vma.set_dontdump();
        // SAFETY: The VMA maps nothing yet, see above, and has the flags that `map()` requires.
        unsafe {
            self.region
                .map(vma, || to_result(self.memory.mmap(vma.as_ptr())))
        }
    }

    /// Removes all mappings. A later access of a process is a `SIGBUS`.
    ///
    /// Processes can map the memory again.
    ///
    /// Context: may sleep. Waits for the `mmap_lock` of each process, so it must not be called within
    /// the `mmap` operation of a file.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT`: a process held its `mmap_lock` for 5 seconds. Its mapping is removed when it
    /// releases the lock, and so may others be that were made meanwhile.
    pub fn revoke(&mut self) -> Result {
        // `self` is borrowed exclusively, so `mmap` makes no mapping meanwhile.
        self.region.revoke()
    }
}

impl<H: Mappable> Deref for Mmap<H> {
    type Target = H;

    #[inline]
    fn deref(&self) -> &H {
        &self.memory
    }
}

impl<H: Mappable> Drop for Mmap<H> {
    fn drop(&mut self) {
        let (dev, size) = (self.memory.device(CrateToken(())), self.memory.size());
        if ffi::may_sleep() && self.region.revoke().is_ok() {
            leak_tracking::untrack(dev.as_raw(), || Entry::Region(self.region.clone()));
            // SAFETY: `memory` is not used again. `self` is borrowed exclusively, so `mmap` has made no
            // mapping while `revoke` removed them.
            unsafe { ManuallyDrop::drop(&mut self.memory) };
            return;
        }

        // The engine may be gone when the deferred work runs, so it is stopped now.
        let stopped = self.memory.stop();
        // SAFETY: `memory` is not used again; `dev` is a token, and outlives it. Below, the memory is
        // not freed if the device is not stopped or processes still map it.
        let memory = unsafe { core::ptr::read(&*self.memory).into_memory() };
        if !stopped || ffi::may_sleep() {
            dev.quarantine(size);
            return;
        }

        let region = self.region.clone();
        let free = move |dev: DmaDevice<'_>| {
            if region.revoke().is_err() {
                dev.quarantine(size);
                return;
            }
            leak_tracking::untrack(dev.as_raw(), || Entry::Region(region));
            // SAFETY: The device is stopped, and the closure owns the memory. The mappings are gone, and
            // the `Mmap` that could have made one meanwhile is, too. The device is bound, and the
            // context may sleep.
            unsafe { memory.release(dev.as_raw()) };
        };
        // SAFETY: The closure owns the memory. The device is bound until the closure has run.
        unsafe { deferred::defer(dev, size, free) };
    }
}
