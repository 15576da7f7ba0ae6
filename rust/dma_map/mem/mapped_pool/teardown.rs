// SPDX-License-Identifier: GPL-2.0

//! Teardown of a store.
//!
//! The store lives until all of its buffers are back. The pool's drop ends in [`drain`](Store::drain):
//!
//! 1. The capacity of the caches becomes 0, so that each put goes to the reserve.
//! 2. A put that has not seen this runs with preemption off, and the drop waits for it (RCU). No take
//!    runs any more.
//! 3. The drop empties the caches of all CPUs, including those that are offline, into the reserve, one
//!    batch at a time. So the time with interrupts off does not depend on the number of buffers.
//! 4. From then on, the last one to find all buffers in the reserve, or quarantined, frees the store.
//!
//! A buffer that is leaked keeps the store for good: nothing tells that it will not come back.

use super::{
    super::deferred,
    slot::{
        List,
        Slot,
        BATCH, //
    },
    stats,
    store::{
        Phase,
        Store, //
    },
};
use core::{
    ptr::NonNull,
    sync::atomic::Ordering::Relaxed, //
};
use kernel::{
    bindings,
    prelude::*, //
};

impl Store {
    /// Closes the store, empties the caches, and frees the store if all buffers are back.
    ///
    /// Context: may sleep.
    ///
    /// # Safety
    ///
    /// Called once, with a store. The caller must not use the store any more, and the device must be
    /// bound.
    pub(super) unsafe fn drain(store: NonNull<c_void>) {
        let store = store.cast::<Self>();
        // SAFETY: The store is freed below, or by the caller that puts the last buffer back after that.
        let this = unsafe { store.as_ref() };
        // SAFETY: The closure makes no guard. The caller may sleep.
        unsafe {
            this.with(|shared| {
                shared.phase = Phase::Closed;
                this.capacity.store(0, Relaxed);
            });
            bindings::synchronize_rcu();
        }

        this.caches.for_each(|cache| {
            // SAFETY: No CPU takes, or puts into a cache. A put that empties its cache holds the lock. The
            // closure makes no guard.
            while unsafe { this.with(|shared| shared.free.take(&cache.list, BATCH)) } == BATCH {}
        });
        // SAFETY: The closure makes no guard.
        let over = unsafe {
            this.with(|shared| {
                shared.phase = Phase::Drained;
                shared.is_drained()
            })
        };
        if over {
            // SAFETY: All buffers are back, so nobody uses the store. This may sleep.
            unsafe { Self::free(store.cast()) };
        }
    }

    /// Frees the store, here or from a workqueue.
    ///
    /// # Safety
    ///
    /// Nobody may use the store any more. The device must be bound.
    pub(super) unsafe fn finish(store: NonNull<Self>) {
        // SAFETY: The caller guarantees that nobody else uses the store.
        let this = unsafe { store.as_ref() };

        if let Some(job) = this.finish.take() {
            // SAFETY: The caller guarantees that the store is unused, and that the device is bound.
            unsafe { deferred::run(job, this.dev, Self::free, store.cast()) };
        }
    }

    /// Frees the store, and the memory whose buffers are all back.
    ///
    /// Context: may sleep.
    ///
    /// # Safety
    ///
    /// `store` must be a store, which nobody uses any more. The device must be bound.
    unsafe fn free(store: NonNull<c_void>) {
        // SAFETY: `new` leaked the box, and the caller guarantees that nobody else uses it.
        let this = unsafe { Pin::new_unchecked(KBox::<Self>::from_raw(store.cast().as_ptr())) };
        stats::hide(&this);

        let first = this.slots.as_ptr().addr();
        // SAFETY: The closure makes no guard.
        let free = unsafe { this.with(|shared| core::mem::replace(&mut shared.free, List::new())) };
        // SAFETY: The list is on this stack.
        while let Some(slot) = unsafe { free.pop() } {
            let index = slot.addr().get().wrapping_sub(first) / size_of::<Slot>();
            let chunk = index.checked_div(this.layout.per_chunk);
            if let Some(chunk) = chunk.and_then(|chunk| this.chunks.get(chunk)) {
                chunk.home.set(chunk.home.get().wrapping_add(1));
            }
        }

        let mut slots = this.layout.max;
        for chunk in this.chunks.iter() {
            let in_chunk = this.layout.per_chunk.min(slots);
            slots = slots.wrapping_sub(in_chunk);
            let (home, memory) = (chunk.home.get(), chunk.memory.take());
            match memory {
                None => (),
                // SAFETY: All buffers of the chunk are back, so nobody uses its memory.
                Some(memory) if home == in_chunk => unsafe { memory.free(this.dev) },
                // These buffers share pages with one that a device may access.
                Some(_) => this.dev.quarantine(home.wrapping_mul(this.layout.size)),
            }
        }
    }
}
