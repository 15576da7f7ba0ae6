// SPDX-License-Identifier: GPL-2.0

//! Taking and putting buffers: the hot path.
//!
//! With the cache of this CPU, each is one compare-and-exchange, with interrupts on: [`Cache`] says why
//! that is correct. With the reserve, interrupts are off and the store's lock is held. No call moves
//! more than a [`BATCH`] there, so the time with interrupts off does not depend on the size of the
//! caches.

use super::{
    slot::{
        count,
        Cache,
        Slot,
        BATCH, //
    },
    store::{
        Phase,
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
    /// Takes a buffer. The caller owns its slot.
    ///
    /// Context: any but NMI.
    ///
    /// # Errors
    ///
    /// - `EBUSY`: no buffer is available.
    /// - Those of [`ChunkMemory::alloc`].
    #[inline(always)]
    pub(super) fn take(&self) -> Result<NonNull<Slot>> {
        // SAFETY: The store has these caches, and is borrowed until the call returns.
        match unsafe { Cache::take(&self.caches) } {
            Some(slot) => Ok(slot),
            None => self.take_slow(),
        }
    }

    #[cold]
    #[inline(never)]
    fn take_slow(&self) -> Result<NonNull<Slot>> {
        // SAFETY: No other guard is made before this one is dropped. The store is borrowed, so the caches
        // stay.
        let mut cache = unsafe { self.caches.enter() };

        // An interrupt may have put a buffer back, or this may be another CPU than before.
        //
        // SAFETY: This is the cache of this CPU, with interrupts off.
        if let Some(slot) = unsafe { cache.list.pop() } {
            count(&cache.hits);
            return Ok(slot);
        }
        count(&cache.misses);

        let found = self.shared.with(&mut cache, |shared, cache| {
            // SAFETY: The lock is held.
            if let Some(slot) = unsafe { shared.free.pop() } {
                let capacity = self.capacity.load(Relaxed);
                let batch = cache.room(capacity, capacity / 2);
                // SAFETY: The lock is held. This is the cache of this CPU, with interrupts off, and it
                // has room for `batch` slots.
                unsafe { cache.list.take(&shared.free, batch) };
                return Ok(slot);
            }
            let blank = shared.take_blank(&self.chunks);
            if blank.is_none() {
                // A buffer that any CPU puts back goes to the reserve from here on, for all CPUs.
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
                // SAFETY: This took the chunk off the list of blank ones above.
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
    /// The caller must own the slot, and gives it up. No device may access the buffer any more. The
    /// device must be bound.
    #[inline(always)]
    pub(super) unsafe fn put(slot: NonNull<Slot>) {
        // SAFETY: The caller owns the slot, so it is valid and its store exists (invariants of `Slot`).
        let store = unsafe { slot.as_ref().store().as_ref() };

        let (caches, capacity) = (store.caches.as_ptr(), store.capacity.as_ptr());
        // SAFETY: The caller owns the slot of this store, and gives it up if this succeeds.
        if !unsafe { Cache::put(caches, slot, capacity) } {
            // SAFETY: The slot was not put, so it is still the caller's, who guarantees the rest.
            unsafe { Self::put_slow(slot) };
        }
    }

    /// # Safety
    ///
    /// That of [`put`](Self::put).
    #[cold]
    #[inline(never)]
    unsafe fn put_slow(slot: NonNull<Slot>) {
        // SAFETY: The caller owns the slot, so it is valid and its store exists (invariants of `Slot`).
        let (store, this) = unsafe { (slot.as_ref().store(), slot.as_ref().store().as_ref()) };

        // SAFETY: No other guard is made before this one is dropped. It is used under the lock only, and
        // the store is there until that is released: it is not freed before the slot is back.
        let mut cache = unsafe { this.caches.enter() };

        // SAFETY: This is the cache of this CPU, and has room (checked). The caller owns the slot.
        let over = this.shared.with(&mut cache, |shared, cache| unsafe {
            let (usual, capacity) = (this.layout.capacity, this.capacity.load(Relaxed));
            if capacity == 0 {
                // Other CPUs need buffers. The slots that this batch leaves go with the next put.
                shared.free.take(&cache.list, BATCH);
            } else if cache.list.len() >= capacity {
                count(&cache.flushes);
                shared.free.take(&cache.list, capacity.div_ceil(2));
            }
            if cache.room(capacity, 1) != 0 {
                cache.list.push(slot);
            } else {
                shared.free.push(slot);
            }
            if capacity == 0 && shared.phase == Phase::Open && shared.free.len() > usual / 2 {
                this.capacity.store(usual, Relaxed);
            }
            shared.is_drained()
        });

        drop(cache);
        if over {
            // SAFETY: All buffers are back, so nobody uses the store. The device is bound.
            unsafe { Self::finish(store) };
        }
    }

    /// Quarantines a buffer of a device that could not be stopped.
    ///
    /// Context: any but NMI.
    ///
    /// # Safety
    ///
    /// The caller must own the slot, and gives it up. The device must be bound.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn quarantine(slot: NonNull<Slot>) {
        // SAFETY: The caller owns the slot, so it is valid and its store exists (invariants of `Slot`).
        let (store, this) = unsafe { (slot.as_ref().store(), slot.as_ref().store().as_ref()) };
        this.dev.quarantine(this.layout.size);

        // SAFETY: The closure makes no guard.
        let over = unsafe {
            this.with(|shared| {
                shared.quarantined = shared.quarantined.wrapping_add(1);
                shared.is_drained()
            })
        };
        if over {
            // SAFETY: All buffers are back or quarantined, so nobody uses the store.
            unsafe { Self::finish(store) };
        }
    }
}
