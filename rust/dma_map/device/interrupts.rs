// SPDX-License-Identifier: GPL-2.0

//! Interrupts of a binding: until when vectors can be allocated, and the CPUs of those that are.
//!
//! C keeps the state of message interrupts in devres, from the first allocation on. What devres gets last
//! it releases first. So what ends at unbind while interrupts must still arrive has to be added after that
//! state: the end of a gate, for one. Vectors are therefore allocated in `probe`, and before that only.

use crate::sys::{
    deferral::DeferredCount,
    ffi, //
};
use core::{
    ptr::null_mut,
    sync::atomic::{
        fence,
        AtomicBool,
        AtomicPtr,
        AtomicUsize,
        Ordering, //
    }, //
};
use kernel::{
    bindings,
    cpumask::{
        Cpumask,
        CpumaskVar, //
    },
    device::{
        Bound,
        Device, //
    },
    prelude::*,
    sync::{
        rcu,
        Arc, //
    },
};

/// The CPUs of each vector, as C has chosen them when it allocated the vectors.
///
/// A copy, because C frees its masks with the vectors, and takes a mutex to find them.
pub(crate) struct Masks(KVec<Option<CpumaskVar>>);

// SAFETY: The masks are memory that this owns.
unsafe impl Send for Masks {}
// SAFETY: Nobody writes to the masks.
unsafe impl Sync for Masks {}

impl Masks {
    pub(crate) fn new(masks: KVec<Option<CpumaskVar>>) -> Self {
        Self(masks)
    }

    /// Returns the mask of a vector, if it has one.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&Cpumask> {
        self.0.get(index)?.as_deref()
    }
}

/// What a binding knows of its interrupts.
///
/// # Invariants
///
/// `masks` is NULL, or that of an `Arc` which is not dropped before all RCU read-side sections have ended
/// that may have read the pointer.
pub(crate) struct Interrupts {
    /// Whether vectors are allocated.
    taken: AtomicBool,
    /// Whether it is too late to allocate vectors.
    settled: AtomicBool,
    /// The number of allocations that run.
    allocating: AtomicUsize,
    /// The CPUs of the vectors, if they are known.
    masks: AtomicPtr<Masks>,
}

impl Interrupts {
    pub(super) const fn none() -> Self {
        Self {
            taken: AtomicBool::new(false),
            settled: AtomicBool::new(false),
            allocating: AtomicUsize::new(0),
            masks: AtomicPtr::new(null_mut()),
        }
    }

    /// Takes the vectors of `dev`, the device of the binding. Until the result is dropped,
    /// [`settle`](Self::settle) waits for the allocation.
    ///
    /// # Errors
    ///
    /// - `ENODEV`: it is too late.
    /// - `EBUSY`: they are taken.
    pub(crate) fn take(&self, dev: &Device<Bound>) -> Result<DeferredCount> {
        // SAFETY: The caller has the binding, and drops the result before that ends.
        let running = unsafe { DeferredCount::new(&self.allocating) };
        // Either this sees that it is too late, or `settle` sees this, and waits.
        fence(Ordering::SeqCst);
        if self.settled.load(Ordering::Relaxed) || !is_probing(dev) {
            return Err(ENODEV);
        }
        if self.taken.swap(true, Ordering::Acquire) {
            return Err(EBUSY);
        }
        Ok(running)
    }

    /// Gives the vectors back.
    pub(crate) fn put(&self) {
        self.taken.store(false, Ordering::Release);
    }

    /// Makes later allocations of vectors fail, and waits for those that run.
    ///
    /// Context: may sleep.
    pub(crate) fn settle(&self) {
        self.settled.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        ffi::wait_pending(&self.allocating);
    }

    /// Lets [`with_masks`](Self::with_masks) find `masks`.
    ///
    /// # Safety
    ///
    /// [`hide_masks`](Self::hide_masks) must be called before `masks` is dropped.
    pub(crate) unsafe fn show_masks(&self, masks: &Arc<Masks>) {
        // INVARIANT: By the precondition of this function.
        self.masks
            .store(Arc::as_ptr(masks).cast_mut(), Ordering::Release);
    }

    /// Hides the masks that were shown, if there are such. Nobody reads them afterwards.
    ///
    /// Context: may sleep.
    pub(crate) fn hide_masks(&self) {
        let masks = self.masks.swap(null_mut(), Ordering::AcqRel);

        if !masks.is_null() {
            rcu::synchronize_rcu();
        }
    }

    /// Calls `f` with the CPUs of the vectors, if there are vectors.
    ///
    /// Context: any. `f` must not sleep.
    #[cfg_attr(not(CONFIG_BLOCK), allow(dead_code))]
    pub(crate) fn with_masks<R>(&self, f: impl FnOnce(Option<&Masks>) -> R) -> R {
        let _reading = rcu::read_lock();
        let masks = self.masks.load(Ordering::Acquire);

        // SAFETY: By the type invariants it is not freed in this read-side section.
        f(unsafe { masks.as_ref() })
    }
}

/// Returns whether `probe` of the driver runs.
fn is_probing(dev: &Device<Bound>) -> bool {
    // SAFETY: The device is valid. The driver core writes this word, which is read at once.
    let status = unsafe { (&raw const (*ffi::as_raw(dev)).links.status).read_volatile() };

    status == bindings::dl_dev_state_DL_DEV_PROBING
}
