// SPDX-License-Identifier: GPL-2.0

//! User mappings of one piece of memory, and their revocation.

use super::{
    deferral,
    ffi, //
};
use crate::{
    generic::{
        ops::Ops,
        vec, //
    },
    gfp::Gfp, //
};
use kernel::{
    bindings,
    impl_has_work,
    mm::{
        virt::VmaNew,
        Mm, //
    },
    new_mutex,
    new_work,
    prelude::*,
    sync::{
        aref::ARef,
        Arc,
        Mutex, //
    },
    time::{
        msecs_to_jiffies,
        Msecs, //
    },
    types::Opaque,
    workqueue::{
        Work,
        WorkItem, //
    }, //
};

/// The result of one `mmap()`.
///
/// `vm_private_data` of its VMAs. There are several after a partial `munmap()` or `mprotect()`.
struct Mapping {
    region: Arc<Region>,
    mm: ARef<Mm>,
}

/// A [`Mapping`] on the list of its region, until the last of its VMAs is closed.
struct Listed {
    mapping: Arc<Mapping>,
    /// The number of open VMAs.
    vmas: usize,
    /// Whether its page table entries were cleared.
    revoked: bool,
}

impl Listed {
    fn is(&self, mapping: *const Mapping) -> bool {
        core::ptr::eq(Arc::as_ptr(&self.mapping), mapping)
    }
}

/// How long a revocation waits for the `mmap_lock` of processes, in ms.
///
/// A process that holds the lock for longer is stuck in the kernel. The revocation runs in the unbind
/// of a driver, with locks of the bus held.
const REVOKE_TIMEOUT: Msecs = 5000;

/// The user mappings of one piece of memory.
#[pin_data]
pub struct Region {
    /// Nests inside the `mmap_lock` of any process, so it is never held while waiting for one.
    #[pin]
    mappings: Mutex<KVec<Listed>>,
    /// Clears the mappings. A work item, because the caller of `revoke` waits for a limited time.
    #[pin]
    work: Work<Region>,
    /// Completed when the work has run, since the last reset.
    #[pin]
    done: Opaque<bindings::completion>,
}

// SAFETY: A lock protects the list, and the C functions that work on `done` take the completion's lock.
unsafe impl Send for Region {}

// SAFETY: The list, the work item and the completion have locks.
unsafe impl Sync for Region {}

impl_has_work! {
    impl HasWork<Self> for Region { self.work }
}

/// The operations of all VMAs of [`Region`]s.
///
/// The code exists as long as a VMA does: the VMA pins its file, the file the driver's module, and that
/// module this one.
static OPERATIONS: Ops<bindings::vm_operations_struct> = Ops::new(bindings::vm_operations_struct {
    open: Some(open),
    close: Some(close),
    ..pin_init::zeroed()
});

/// Returns the mapping of `vma`, if its operations are [`OPERATIONS`].
///
/// # Safety
///
/// `vma` must be valid, and its `mm_struct` locked.
unsafe fn mapping_of(vma: *mut bindings::vm_area_struct) -> Option<*const Mapping> {
    // SAFETY: `vma` is valid, and its `mm_struct` locked (function precondition).
    let (operations, data) = unsafe { ((*vma).vm_ops, (*vma).vm_private_data) };

    core::ptr::eq(operations, OPERATIONS.as_ptr()).then_some(data.cast_const().cast())
}

/// Counts a VMA that a split or a move has made.
///
/// # Safety
///
/// Called by the kernel only, with a VMA that was copied from one of ours.
unsafe extern "C" fn open(vma: *mut bindings::vm_area_struct) {
    // SAFETY: The kernel passes a valid VMA in a locked `mm_struct`. The VMA that it was copied from
    // keeps the mapping on the list, which keeps it valid.
    unsafe {
        if let Some(mapping) = mapping_of(vma) {
            (*mapping).region.opened(mapping);
        }
    }
}

/// Uncounts a VMA that is closed, after its page table entries were cleared.
///
/// # Safety
///
/// Called by the kernel only, once for each of our VMAs.
unsafe extern "C" fn close(vma: *mut bindings::vm_area_struct) {
    // SAFETY: The kernel passes a valid VMA in a locked `mm_struct`, once. Its mapping is on the list,
    // which keeps it valid, until this VMA is uncounted. That may free the mapping, and so takes a
    // reference to the region.
    unsafe {
        if let Some(mapping) = mapping_of(vma) {
            let region = (*mapping).region.clone();
            region.closed(mapping);
        }
    }
}

impl Region {
    /// Allocates a region without mappings.
    ///
    /// Not inlined, so that all drivers share one lock class.
    #[inline(never)]
    pub(crate) fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                mappings <- new_mutex!(KVec::new(), "dma_map::Region"),
                work <- new_work!("dma_map::Region::revoke"),
                // SAFETY: `ffi_init` passes memory for the completion, which is pinned.
                done <- Opaque::ffi_init(|done| unsafe { bindings::init_completion(done) }),
            }),
            Gfp::Kernel.flags(),
        )
    }

    /// Lists `vma`, and calls `map`, which writes its page table entries.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, and those of `map`. Nothing is mapped then.
    ///
    /// # Safety
    ///
    /// `vma` must map nothing yet. It must have `VM_IO`, `VM_DONTCOPY` and `VM_DONTEXPAND`.
    pub(crate) unsafe fn map(
        self: &Arc<Self>,
        vma: &VmaNew,
        map: impl FnOnce() -> Result,
    ) -> Result {
        let mm: &Mm = vma.mm();
        let mapping = Arc::new(
            Mapping {
                region: self.clone(),
                mm: mm.into(),
            },
            Gfp::Kernel.flags(),
        )?;
        let listed = Listed {
            mapping: mapping.clone(),
            vmas: 1,
            revoked: false,
        };
        let result = match vec::push(&mut self.mappings.lock(), listed, Gfp::Kernel.flags()) {
            Ok(()) => map(),
            Err(_) => Err(ENOMEM),
        };

        if let Err(err) = result {
            let size = vma.end().wrapping_sub(vma.start());
            // SAFETY: The VMA is valid and locked, and its entries are only those that `map` wrote.
            unsafe { bindings::zap_special_vma_range(vma.as_ptr(), vma.start(), size) };
            // The VMA does not have `OPERATIONS` yet, so `close` is not called for it. If the mapping is not
            // on the list, its address must not be that of another one there: `mapping` still owns it.
            self.closed(Arc::as_ptr(&mapping));
            return Err(err);
        }

        // SAFETY: The VMA is being initialised, so these fields may be set.
        unsafe {
            (*vma.as_ptr()).vm_private_data = Arc::as_ptr(&mapping).cast_mut().cast();
            (*vma.as_ptr()).vm_ops = OPERATIONS.as_ptr();
        }
        Ok(())
    }

    fn opened(&self, mapping: *const Mapping) {
        let mut mappings = self.mappings.lock();

        if let Some(listed) = mappings.iter_mut().find(|listed| listed.is(mapping)) {
            // The number of VMAs is less than that of addresses, so it does not wrap.
            listed.vmas = listed.vmas.wrapping_add(1);
        }
    }

    /// Uncounts a VMA. Takes the mapping off the list if it was the last one.
    fn closed(&self, mapping: *const Mapping) {
        let mut mappings = self.mappings.lock();

        let Some(index) = mappings.iter().position(|listed| listed.is(mapping)) else {
            return;
        };
        if let Some(listed) = mappings.get_mut(index) {
            listed.vmas = listed.vmas.wrapping_sub(1);
            if listed.vmas != 0 {
                return;
            }
        }
        let _ = vec::swap_remove(&mut mappings, index);
    }

    /// Returns a mapping that is not revoked yet.
    fn next(&self) -> Option<Arc<Mapping>> {
        let mappings = self.mappings.lock();

        let listed = mappings.iter().find(|listed| !listed.revoked)?;
        Some(listed.mapping.clone())
    }

    /// Marks a mapping as revoked.
    fn mark(&self, mapping: &Arc<Mapping>) {
        let mut mappings = self.mappings.lock();

        if let Some(listed) = mappings
            .iter_mut()
            .find(|listed| listed.is(Arc::as_ptr(mapping)))
        {
            listed.revoked = true;
        }
    }

    /// Clears the page table entries of all mappings, but may miss one that [`map`](Self::map) makes
    /// meanwhile.
    ///
    /// If a process holds its `mmap_lock` for too long, its mapping is cleared later, when the lock is
    /// released.
    ///
    /// Context: may sleep, for a bounded time.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT`: at least one mapping is left.
    pub(crate) fn revoke(self: &Arc<Self>) -> Result {
        let mut left = msecs_to_jiffies(REVOKE_TIMEOUT);
        if self.next().is_none() {
            return Ok(());
        }

        // SAFETY: The work function is in this module, and the work item owns a reference to the
        // region.
        unsafe { deferral::revoke(self.clone()) };
        loop {
            // Reset before the check, so that a later completion ends the wait.
            // SAFETY: The completion was initialised by `new`. This is `reinit_completion()`, which any
            // thread may call.
            unsafe { (*self.done.get()).done = 0 };
            if self.next().is_none() {
                return Ok(());
            }
            if left == 0 {
                return Err(ETIMEDOUT);
            }
            // SAFETY: The completion was initialised by `new`, and the caller may sleep (context of
            // this function).
            left = unsafe { bindings::wait_for_completion_timeout(self.done.get(), left) };
        }
    }

    /// Clears the page table entries of all VMAs of this region in `mm`.
    fn clear(&self, mm: &Mm) {
        let raw = mm.as_raw();

        // SAFETY: `mm` is referenced, so it may be locked, and its VMAs do not change while it is. That
        // also holds without users: the end of an `mm_struct` closes its VMAs and empties the tree
        // under one lock section. The lock is taken for writing, see the documentation of `mmap`.
        unsafe {
            ffi::mmap_write_lock(raw);
            let mut address = 0;
            loop {
                let vma = bindings::find_vma(raw, address);
                if vma.is_null() {
                    break;
                }
                let range = (*vma).__bindgen_anon_1.__bindgen_anon_1;
                if mapping_of(vma)
                    .is_some_and(|mapping| core::ptr::eq(Arc::as_ptr(&(*mapping).region), self))
                {
                    let size = range.vm_end.wrapping_sub(range.vm_start);
                    bindings::zap_special_vma_range(vma, range.vm_start, size);
                }
                address = range.vm_end;
            }
            ffi::mmap_write_unlock(raw);
        }
    }
}

impl WorkItem for Region {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        while let Some(mapping) = this.next() {
            this.clear(&mapping.mm);
            this.mark(&mapping);
        }
        // SAFETY: The completion was initialised by `new`, and `this` keeps it.
        unsafe { bindings::complete_all(this.done.get()) };
    }
}
