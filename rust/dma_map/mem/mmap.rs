// SPDX-License-Identifier: GPL-2.0

//! Memory of a device in the address space of a process.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)
//!
//! `dma_mmap_attrs()` writes page table entries that hold no reference to the pages behind them.
//! "The coherent DMA buffer must not be freed by the driver until the user space mapping has been
//! released", says C, and leaves it at that: a process keeps its mapping when the file is closed,
//! when the device is unbound and when the driver is gone. [`Mmap`] turns it round: before the
//! memory is freed, the mappings are taken away.
//!
//! # Why that is enough
//!
//! 1. A mapping comes into being in [`Mmap::mmap`] only, which borrows the `Mmap`; taking mappings
//!    away needs it exclusively. So there is no new one meanwhile, and what was taken away stays so.
//! 2. Each `mmap()` is listed before its first page table entry is written, with the `mm_struct`
//!    that it is in. It leaves the list when the last VMA that stems from it is closed, and by then
//!    its entries are gone. VMAs do not get into another `mm_struct`: `VM_DONTCOPY`, which
//!    `VM_IO` makes irrevocable, keeps `fork()` from copying them. So opening a VMA (a split, a
//!    move) allocates nothing and cannot fail.
//! 3. [`Mmap::revoke`] takes the `mmap_lock` of each listed `mm_struct` *for writing*. That waits
//!    for an `mmap()` whose VMA is not in the tree yet, and for a `munmap()` whose VMA is not in the
//!    tree any more, but whose entries are: it goes on with the lock held for reading. Then it
//!    clears the entries of all VMAs of the region. Nothing writes them again: there is no `fault`
//!    operation, so that an access is a `SIGBUS`.
//! 4. So it does where the `mm_struct` has no users left. No thread runs in it then, but until it is
//!    torn down its entries are there, and a device that shares the process's page tables, or a
//!    kernel that checks that no page is freed while it is mapped, may look. The lock waits for the
//!    end of that, too: the VMAs are there, and are cleared, or there are none any more.
//! 5. Nobody else holds on to memory that is freed. Entries of `remap_pfn_range()` are "special", and
//!    `get_user_pages()` leaves them alone. Behind an IOMMU the C API maps pages with references to
//!    them, which a process can pin (the fast path does not ask for `VM_IO`): such a page is not
//!    free before it is unpinned, whatever the driver does.
//!
//! # A process that is stuck
//!
//! A process that is stuck in the kernel with its `mmap_lock` held cannot be helped, and must not hold up
//! others. So a work item of its own waits for the lock, on a queue that nobody flushes, and whoever
//! takes the memory away waits for the work for 5 seconds. After that the memory is not freed: it is
//! quarantined, as that of a device that does not stop, and the work takes the mapping away when the lock
//! can be had. The VMA keeps the modules whose code it needs.
//!
//! # What else
//!
//! Because of the last point above, memory that was mappable does not become the CPU's again: a pin may
//! still write to it. There is no way back from an [`Mmap`] to its handle.
//!
//! A driver whose `mmap` operation fails *after* [`Mmap::mmap`] has succeeded leaves a list entry
//! for a VMA that is never closed: a little memory is leaked, and nothing else.

use crate::{
    device::DmaDevice,
    error::MapError,
    generic::{
        errno::to_result,
        variance::Inside, //
    },
    sys::{
        deferral,
        ffi,
        ledger,
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
    use crate::{
        device::DmaDevice,
        generic::variance::Inside, //
    };
    use kernel::{
        bindings,
        prelude::*, //
    };

    /// What [`Mmap`] needs of a handle.
    pub trait Backend {
        /// The memory, without its handle.
        type Memory: Send + 'static;

        fn device(&self, _: Inside) -> DmaDevice<'_>;

        fn size(&self) -> usize;

        /// Makes sure that the device does not access the memory any more; `false` if that can't
        /// be had.
        fn stop(&self) -> bool;

        /// # Safety
        ///
        /// `vma` must be undergoing initialisation, and map nothing yet.
        unsafe fn mmap(&self, vma: *mut bindings::vm_area_struct) -> c_int;

        /// Gives up the handle, without freeing its memory.
        ///
        /// # Safety
        ///
        /// The device must have been stopped, or the memory must not be freed.
        unsafe fn into_memory(self) -> Self::Memory;

        /// # Safety
        ///
        /// The memory must not be used any more, by anyone. The caller must be in a context that
        /// may sleep, and the device bound.
        unsafe fn free(memory: Self::Memory);
    }
}
/// Handles whose memory can be mapped to user space.
///
/// The states in which the kernel has no reference to the memory: processes write when they like.
/// [`CoherentHandle`](crate::CoherentHandle) is not among them, because its memory holds what was
/// there before.
pub trait Mappable: private::Backend {}
impl<H: private::Backend> Mappable for H {}

/// Memory that processes can map, until it is dropped.
///
/// Dereferences to the handle. Dropping it takes the mappings away, then drops the handle; a process
/// that goes on gets a `SIGBUS`. Kept in a [`Gate`](crate::gate::Gate), that is what unbind does. If a
/// process keeps its `mmap_lock` for 5 seconds, the memory is [quarantined](self#a-process-that-is-stuck).
///
/// C API: `dma_mmap_attrs()`, `dma_mmap_pages()`, `dma_mmap_noncontiguous()`. Drop context: any; what
/// may not be done where it is dropped is put off to a workqueue. Within the `mmap` operation of a file,
/// its own process keeps the lock.
///
/// # Invariants
///
/// - `memory` is a handle of whole pages, and is not dropped before `region` was revoked.
/// - `region` lists the mappings of `memory`, all of them, and no others.
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
/// let inside = self.gate.enter().ok_or(ENODEV)?;
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
    /// - `EINVAL`: the memory is not of whole pages. A process maps whole ones, and what follows in
    ///   the last page is not the driver's to show.
    /// - `ENXIO`: memory of this device cannot be mapped (`dma_can_mmap()`).
    /// - `ENOMEM`.
    pub fn new(memory: H) -> Result<Self, MapError<H>> {
        match Self::region_for(&memory) {
            // INVARIANT: Of whole pages, and nothing is mapped yet.
            Ok((region, line)) => {
                let listed = region.clone();
                line.enter(memory.device(Inside(())).as_raw(), || {
                    ledger::Entry::Region(listed)
                });
                Ok(Self {
                    memory: ManuallyDrop::new(memory),
                    region,
                })
            }
            Err(error) => Err(MapError {
                error,
                buffer: memory,
            }),
        }
    }

    fn region_for(memory: &H) -> Result<(Arc<Region>, ledger::Line)> {
        if memory.size() % PAGE_SIZE != 0 {
            return Err(EINVAL);
        }
        // Without that bit in an entry, the flags of a VMA decide what its entries are, and the
        // `kernel` crate lets a driver set more of them.
        let special = cfg!(CONFIG_ARCH_HAS_PTE_SPECIAL);
        // SAFETY: The device is bound.
        if !special || !unsafe { bindings::dma_can_mmap(memory.device(Inside(())).as_raw()) } {
            return Err(ENXIO);
        }

        Ok((Region::new()?, ledger::Line::new()?))
    }

    /// Maps the memory, from the page that the caller asked for on, to a process.
    ///
    /// For the `mmap` operation of a file. What a process may do is decided there, with the methods
    /// of `vma`: [`try_clear_maywrite()`](VmaNew::try_clear_maywrite) makes the memory read-only.
    /// The mapping is not inherited by `fork()`, and not part of a core dump.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: a private mapping, which would be a copy.
    /// - `EBUSY`: something is mapped there already.
    /// - `ENXIO`: more pages than there are.
    /// - `ENOMEM`.
    pub fn mmap(&self, vma: &VmaNew) -> Result {
        if vma.flags() & flags::MAYSHARE == 0 {
            return Err(EINVAL);
        }
        // The C functions take it that there is nothing yet. These two are set by all that writes
        // page table entries for a driver.
        if vma.flags() & (flags::PFNMAP | flags::MIXEDMAP) != 0 {
            return Err(EBUSY);
        }

        vma.set_io();
        vma.set_dontcopy();
        vma.set_dontexpand();
        vma.set_dontdump();
        // SAFETY: The VMA maps nothing yet, see above, and its flags are those that `map()` wants.
        unsafe {
            self.region
                .map(vma, || to_result(self.memory.mmap(vma.as_ptr())))
        }
    }

    /// Takes all mappings away; later accesses of the processes are a `SIGBUS`.
    ///
    /// They can map the memory again.
    ///
    /// Context: may sleep; waits for the `mmap_lock` of each process, so not within the `mmap`
    /// operation of a file.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT`: a process has kept its `mmap_lock` for 5 seconds. Its mapping goes as soon as it gives
    /// that up, and so may others that were made meanwhile.
    pub fn revoke(&mut self) -> Result {
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
        let (dev, size) = (self.memory.device(Inside(())), self.memory.size());
        if ffi::may_sleep() && self.region.revoke().is_ok() {
            ledger::strike(dev.as_raw(), || ledger::Entry::Region(self.region.clone()));
            // SAFETY: `memory` is not used again.
            unsafe { ManuallyDrop::drop(&mut self.memory) };
            return;
        }

        // The engine may be gone when the rest is done, so it is asked now.
        let stopped = self.memory.stop();
        // SAFETY: The device is bound until what is put off has run.
        let dev = unsafe { core::mem::transmute::<DmaDevice<'_>, DmaDevice<'static>>(dev) };
        // SAFETY: `memory` is not used again; `dev` is a token, and outlives it. What is not stopped is
        // not freed, and nor is what processes have, see below.
        let memory = unsafe { core::ptr::read(&*self.memory).into_memory() };
        if !stopped || ffi::may_sleep() {
            core::mem::forget(memory);
            dev.quarantine(size);
            return;
        }

        let region = self.region.clone();
        let free = move || {
            if region.revoke().is_err() {
                core::mem::forget(memory);
                dev.quarantine(size);
                return;
            }
            ledger::strike(dev.as_raw(), || ledger::Entry::Region(region));
            // SAFETY: The device is stopped, the mappings are gone, and nobody else has the memory.
            // The device is bound until this has run, where it may sleep.
            unsafe { H::free(memory) };
        };
        // SAFETY: See there.
        if !unsafe { deferral::defer(Some(dev), free) } {
            dev.quarantine(size);
        }
    }
}
