// SPDX-License-Identifier: GPL-2.0

//! Taking a buffer and putting it back: what is done for each transfer.
//!
//! With this CPU that is one compare-and-exchange, with interrupts on: [`Cache`] says why that is right.
//! With the reserve, it is done with interrupts off, and under the store's lock. No call moves more than
//! a [`BATCH`] there, so that the time with interrupts off has a bound which does not
//! depend on what a CPU may have at hand.

use super::{
    slot::{
        count,
        Cache,
        Slot,
        BATCH, //
    },
    store::{
        Life,
        Store, //
    },
};
use crate::gfp::Gfp;
use core::{
    ptr::NonNull,
    sync::atomic::Ordering::Relaxed, //
};
use kernel::prelude::*;

impl Store {
    /// Takes a buffer; the caller has its slot from here on.
    ///
    /// Context: any but NMI.
    ///
    /// # Errors
    ///
    /// - `EBUSY`: all are taken.
    /// - Those of [`Memory::alloc`].
    #[inline(always)]
    pub(super) fn take(&self) -> Result<NonNull<Slot>> {
        // SAFETY: The caches of the store, which is borrowed.
        match unsafe { Cache::take(&self.caches) } {
            Some(slot) => Ok(slot),
            None => self.take_shared(),
        }
    }

    #[cold]
    #[inline(never)]
    fn take_shared(&self) -> Result<NonNull<Slot>> {
        // SAFETY: There is no other guard until it is dropped, and the store is borrowed so long.
        let cache = unsafe { self.caches.enter() };

        // An interrupt has put one back, or this is another CPU than before.
        //
        // SAFETY: The cache is that of this CPU.
        if let Some(slot) = unsafe { cache.pop() } {
            count(&cache.hits);
            return Ok(slot);
        }
        count(&cache.misses);

        let found = self.shared.with(&cache, |shared| {
            if let Some(slot) = shared.free.pop() {
                let capacity = self.capacity.load(Relaxed);
                let batch = cache.room(capacity, capacity / 2);
                // SAFETY: The cache is that of this CPU, and has room for so many.
                unsafe { shared.free.give_to(&cache, batch) };
                return Ok(slot);
            }
            let blank = shared.take_blank(&self.chunks);
            if blank.is_none() {
                // What is put back, on any CPU, is to be there for all.
                self.capacity.store(0, Relaxed);
                shared.exhausted = shared.exhausted.wrapping_add(1);
            }
            Err(blank)
        });

        match found {
            Ok(slot) => {
                count(&cache.refills);
                Ok(slot)
            }
            Err(None) => Err(EBUSY),
            Err(Some(index)) => {
                drop(cache);
                // SAFETY: Taken off the list above.
                unsafe { self.grow(index, Gfp::Nowait) }
            }
        }
    }

    /// Puts a buffer back.
    ///
    /// Context: any but NMI.
    ///
    /// # Safety
    ///
    /// The caller must have the slot, and give it away, and no device must access the buffer any
    /// more. The device must be bound.
    #[inline(always)]
    pub(super) unsafe fn put(slot: NonNull<Slot>) {
        // SAFETY: The slot is valid, and keeps its store, until it is put back (type invariants).
        let store = unsafe { slot.as_ref().store().as_ref() };

        let (caches, capacity) = (store.caches.as_ptr(), store.capacity.as_ptr());
        // SAFETY: By the safety requirements of this function; the store is not used afterwards.
        if !unsafe { Cache::put(caches, slot, capacity) } {
            // SAFETY: By the safety requirements of this function; we still have the slot.
            unsafe { Self::put_shared(slot) };
        }
    }

    /// # Safety
    ///
    /// That of [`put`](Self::put).
    #[cold]
    #[inline(never)]
    unsafe fn put_shared(slot: NonNull<Slot>) {
        // SAFETY: As in `put`.
        let store = unsafe { slot.as_ref().store() };
        // SAFETY: As in `put`.
        let this = unsafe { store.as_ref() };

        // SAFETY: There is no other guard until it is dropped. It is used under the lock, and until that is
        // released the store is there: it does not end before the slot is back.
        let cache = unsafe { this.caches.enter() };

        // SAFETY: The cache is that of this CPU, room is looked for, and the slot is the caller's.
        let over = this.shared.with(&cache, |shared| unsafe {
            let (usual, capacity) = (this.layout.capacity, this.capacity.load(Relaxed));
            if capacity == 0 {
                // Others look for them. What this leaves goes with the next ones.
                shared.free.take_from(&cache, BATCH);
            } else if cache.len() >= capacity {
                count(&cache.flushes);
                shared.free.take_from(&cache, capacity.div_ceil(2));
            }
            if cache.room(capacity, 1) != 0 {
                cache.push(slot);
            } else {
                shared.free.push(slot);
            }
            if capacity == 0 && shared.life == Life::Open && shared.free.len() > usual / 2 {
                this.capacity.store(usual, Relaxed);
            }
            shared.is_over()
        });

        drop(cache);
        if over {
            // SAFETY: Nobody is left who needs it.
            unsafe { Self::finish(store) };
        }
    }

    /// Leaves a buffer to the device, which could not be stopped.
    ///
    /// Context: any but NMI.
    ///
    /// # Safety
    ///
    /// The caller must have the slot, and give it away. The device must be bound.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn quarantine(slot: NonNull<Slot>) {
        // SAFETY: As in `put`.
        let store = unsafe { slot.as_ref().store() };
        // SAFETY: As in `put`.
        let this = unsafe { store.as_ref() };
        this.dev.quarantine(this.layout.size);

        let over = this.with(|shared| {
            shared.quarantined = shared.quarantined.wrapping_add(1);
            shared.is_over()
        });
        if over {
            // SAFETY: Nobody is left who needs it.
            unsafe { Self::finish(store) };
        }
    }
}
