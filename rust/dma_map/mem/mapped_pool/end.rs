// SPDX-License-Identifier: GPL-2.0

//! The end of a store.
//!
//! The store lives until all of its buffers are back, whoever is last. The pool's drop closes it:
//!
//! 1. The caches are to hold nothing from here on, so that each put goes to the reserve.
//! 2. Puts that have not seen that run with preemption off, and are waited for (RCU). Takes are over.
//! 3. The caches of all CPUs, also of those that are offline, are emptied into the reserve, some buffers
//!    at a time: interrupts are not kept off for as many as there are.
//! 4. Whoever then finds all buffers in the reserve, or quarantined, frees the store.
//!
//! A buffer that is leaked keeps the store for good: nobody can tell that it will not come back.

use super::{
    job,
    slot::{
        List,
        Slot,
        BATCH, //
    },
    store::{
        Life,
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
    /// Begins the end: what no buffer needs is released.
    pub(super) fn release(&self) {
        self.with(|shared| {
            shared.life = Life::Closed;
            self.capacity.store(0, Relaxed);
        });
    }

    /// Empties the caches, and frees the store if that was all.
    ///
    /// Context: may sleep.
    ///
    /// # Safety
    ///
    /// Once, after [`release`](Self::release); the caller must not use the store any more. The device must
    /// be bound.
    pub(super) unsafe fn drain(store: NonNull<Self>) {
        // SAFETY: The store is freed below, or by who puts the last buffer back after that.
        let this = unsafe { store.as_ref() };
        // SAFETY: The caller may sleep.
        unsafe { bindings::synchronize_rcu() };

        this.caches.for_each(|cache| {
            // SAFETY: No CPU has anything to put in any more, and takes are over. Puts that take out
            // what is at hand where they run have the lock.
            while this.with(|shared| unsafe { shared.free.take_from(cache, BATCH) }) == BATCH {}
        });
        let over = this.with(|shared| {
            shared.life = Life::Drained;
            shared.is_over()
        });
        if over {
            // SAFETY: Nobody is left who needs it, and the caller may sleep.
            unsafe { Self::free(store) };
        }
    }

    /// Frees the store, now or later.
    ///
    /// # Safety
    ///
    /// Nobody must use it any more. The device must be bound.
    pub(super) unsafe fn finish(store: NonNull<Self>) {
        // SAFETY: By the safety requirements of this function; this is who frees the store.
        let job = unsafe { store.as_ref() }.finish.take();

        if let Some(job) = job {
            // SAFETY: As above.
            unsafe { job::run(job, Self::free, store) };
        }
    }

    /// Frees all that can be freed.
    ///
    /// Context: may sleep.
    ///
    /// # Safety
    ///
    /// Nobody must use it any more. The device must be bound.
    unsafe fn free(store: NonNull<Self>) {
        // SAFETY: `new` leaked the box, and nobody else uses it.
        let this = unsafe { Pin::new_unchecked(KBox::from_raw(store.as_ptr())) };
        // Readers of the numbers are waited for.
        drop(this.entry.take());

        let first = this.slots.as_ptr().addr();
        let mut free = this.with(|shared| core::mem::replace(&mut shared.free, List::new()));
        while let Some(slot) = free.pop() {
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
                // SAFETY: All buffers of the chunk are here.
                Some(memory) if home == in_chunk => unsafe { memory.free(this.dev) },
                // They share pages with one that a device may access.
                Some(_) => this.dev.quarantine(home.wrapping_mul(this.layout.size)),
            }
        }
    }
}
