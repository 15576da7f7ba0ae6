// SPDX-License-Identifier: GPL-2.0

//! The mappings of one piece of memory, and how they are taken away.

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
        atomic::{
            Atomic,
            Relaxed, //
        },
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

/// What came of one `mmap()`.
///
/// `vm_private_data` of its VMAs, which may be several when a part is unmapped or protected.
///
/// # Invariants
///
/// Allocated in [`Region::map`], freed when the last of its VMAs is closed.
struct Mapping {
    region: Arc<Region>,
    mm: ARef<Mm>,
}

/// A [`Mapping`] on the list of its region.
///
/// # Invariants
///
/// `mapping` is valid as long as this is on the list.
struct Listed {
    mapping: *mut Mapping,
    /// What no other mapping of the region is called, also when its memory is used again.
    number: u64,
    /// VMAs that are open.
    vmas: usize,
    /// Its page table entries were taken away.
    revoked: bool,
}

// SAFETY: A mapping is not tied to a thread.
unsafe impl Send for Listed {}

/// How long a process may keep its `mmap_lock` while the memory is taken from it.
///
/// Whoever has it for longer is stuck in the kernel. Whoever waits is a driver that is unbound, with
/// locks of its bus held.
const PATIENCE: Msecs = 5000;

/// The mappings of one piece of memory.
#[pin_data]
pub(crate) struct Region {
    /// Taken within the `mmap_lock` of any process, so never held while one is waited for.
    #[pin]
    mappings: Mutex<KVec<Listed>>,
    last: Atomic<u64>,
    /// Takes mappings away, since who asks for that does not wait for ever.
    #[pin]
    work: Work<Region>,
    /// The work has been there, since this was reset.
    #[pin]
    done: Opaque<bindings::completion>,
}

// SAFETY: The lists are behind a lock, and the C functions that work on `done` take its own.
unsafe impl Send for Region {}

// SAFETY: As above.
unsafe impl Sync for Region {}

impl_has_work! {
    impl HasWork<Self> for Region { self.work }
}

/// The operations of all VMAs that a [`Region`] knows.
///
/// The code behind them is there as long as a VMA is: it holds the file, that the driver, and that
/// this module.
static OPERATIONS: Ops<bindings::vm_operations_struct> = Ops::new(bindings::vm_operations_struct {
    open: Some(open),
    close: Some(close),
    ..pin_init::zeroed()
});

/// Returns the mapping that `vma` stems from, if it is one of ours.
///
/// # Safety
///
/// `vma` must be valid, and its `mm_struct` locked.
unsafe fn mapping_of(vma: *mut bindings::vm_area_struct) -> Option<*mut Mapping> {
    // SAFETY: By the safety requirements of this function.
    let (operations, data) = unsafe { ((*vma).vm_ops, (*vma).vm_private_data) };

    core::ptr::eq(operations, OPERATIONS.as_ptr()).then_some(data.cast())
}

/// A VMA was split or moved: there is one more.
///
/// # Safety
///
/// Called by the kernel only, with a VMA that was copied from one of ours.
unsafe extern "C" fn open(vma: *mut bindings::vm_area_struct) {
    // SAFETY: By the safety requirements of this function. The VMA that it was copied from keeps
    // the mapping.
    unsafe {
        if let Some(mapping) = mapping_of(vma) {
            (*mapping).region.opened(mapping);
        }
    }
}

/// A VMA is gone, and its page table entries are.
///
/// # Safety
///
/// Called by the kernel only, once for each of our VMAs.
unsafe extern "C" fn close(vma: *mut bindings::vm_area_struct) {
    // SAFETY: By the safety requirements of this function. The mapping is freed by who closes its
    // last VMA, when it is not on the list any more.
    unsafe {
        if let Some(mapping) = mapping_of(vma) {
            if (*mapping).region.closed(mapping) {
                drop(KBox::from_raw(mapping));
            }
        }
    }
}

impl Region {
    /// No mappings.
    ///
    /// Not inlined, so that the lock's class is one for all drivers.
    #[inline(never)]
    pub(crate) fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                mappings <- new_mutex!(KVec::new(), "dma_map::Region"),
                last: Atomic::new(0),
                work <- new_work!("dma_map::Region::revoke"),
                // SAFETY: The memory is the completion's, and stays where it is.
                done <- Opaque::ffi_init(|done| unsafe { bindings::init_completion(done) }),
            }),
            Gfp::Kernel.flags(),
        )
    }

    /// Lists `vma`, and runs `map`, which is to write its page table entries.
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
        let mapping = KBox::new(
            Mapping {
                region: self.clone(),
                mm: mm.into(),
            },
            Gfp::Kernel.flags(),
        )?;
        let mapping = KBox::into_raw(mapping);

        // INVARIANT: The mapping is freed in `close` and below, after it was taken off the list.
        let listed = Listed {
            mapping,
            number: self.last.fetch_add(1, Relaxed),
            vmas: 1,
            revoked: false,
        };
        let result = match vec::push(&mut self.mappings.lock(), listed, Gfp::Kernel.flags()) {
            Ok(()) => map(),
            Err(_) => Err(ENOMEM),
        };

        if let Err(err) = result {
            // SAFETY: The VMA is valid, locked, and has no entries that matter to anyone else. It
            // is not on its way to `close`: it does not have our operations yet.
            unsafe {
                let size = vma.end().wrapping_sub(vma.start());
                bindings::zap_special_vma_range(vma.as_ptr(), vma.start(), size);
                self.closed(mapping);
                drop(KBox::from_raw(mapping));
            }
            return Err(err);
        }

        // SAFETY: The VMA is undergoing initialisation, so the fields are ours to set.
        unsafe {
            (*vma.as_ptr()).vm_private_data = mapping.cast();
            (*vma.as_ptr()).vm_ops = OPERATIONS.as_ptr();
        }
        Ok(())
    }

    fn opened(&self, mapping: *mut Mapping) {
        let mut mappings = self.mappings.lock();

        if let Some(listed) = mappings.iter_mut().find(|listed| listed.mapping == mapping) {
            // As many VMAs as there are addresses do not exist.
            listed.vmas = listed.vmas.wrapping_add(1);
        }
    }

    /// Returns whether that was the last VMA, and the mapping is not on the list any more.
    fn closed(&self, mapping: *mut Mapping) -> bool {
        let mut mappings = self.mappings.lock();

        let Some(index) = mappings.iter().position(|listed| listed.mapping == mapping) else {
            return true;
        };
        if let Some(listed) = mappings.get_mut(index) {
            listed.vmas = listed.vmas.wrapping_sub(1);
            if listed.vmas != 0 {
                return false;
            }
        }
        let _ = vec::swap_remove(&mut mappings, index);
        true
    }

    /// Returns a mapping that was not taken away yet: its number, and the `mm_struct`.
    fn next(&self) -> Option<(u64, ARef<Mm>)> {
        let mappings = self.mappings.lock();

        let listed = mappings.iter().find(|listed| !listed.revoked)?;
        // SAFETY: By the type invariants the mapping is valid while it is on the list.
        Some((listed.number, unsafe { (*listed.mapping).mm.clone() }))
    }

    /// Notes that the mapping of this number was taken away.
    fn mark(&self, number: u64) {
        let mut mappings = self.mappings.lock();

        if let Some(listed) = mappings.iter_mut().find(|listed| listed.number == number) {
            listed.revoked = true;
        }
    }

    /// Takes all mappings away. Nobody may call [`map`](Self::map) meanwhile.
    ///
    /// One of a process that does not give up its `mmap_lock` goes as soon as it does.
    ///
    /// Context: may sleep, for a bounded time.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT`: there is one left.
    pub(crate) fn revoke(self: &Arc<Self>) -> Result {
        let mut left = msecs_to_jiffies(PATIENCE);
        if self.next().is_none() {
            return Ok(());
        }

        // SAFETY: What runs it is in this module; it owns what it works on.
        unsafe { deferral::revoke(self.clone()) };
        loop {
            // Before the look: what is done after it wakes the wait.
            // SAFETY: The completion was initialised; this is `reinit_completion()`, which any thread
            // may call.
            unsafe { (*self.done.get()).done = 0 };
            if self.next().is_none() {
                return Ok(());
            }
            if left == 0 {
                return Err(ETIMEDOUT);
            }
            // SAFETY: As above; the caller may sleep.
            left = unsafe { bindings::wait_for_completion_timeout(self.done.get(), left) };
        }
    }

    /// Clears the page table entries of all VMAs of this region in `mm`.
    fn clear(&self, mm: &Mm) {
        let raw = mm.as_raw();

        // SAFETY: `mm` is referenced, so it may be locked, and the VMAs in it do not change while
        // it is. That holds without users, too: the end of an `mm_struct` closes its VMAs and empties
        // the tree under one lock. The lock is the one for writing, see the documentation of
        // `mmap`.
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
        while let Some((number, mm)) = this.next() {
            this.clear(&mm);
            this.mark(number);
        }
        // SAFETY: As in `revoke`.
        unsafe { bindings::complete_all(this.done.get()) };
    }
}
