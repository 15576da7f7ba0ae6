// SPDX-License-Identifier: GPL-2.0

//! Taking a buffer and putting it back: what is done for each transfer.

use super::{
    slot::{
        count,
        Cache,
        Slot, //
    },
    store::{
        Life,
        Store, //
    }, //
};
use crate::{
    gfp::Gfp,
    percpu::Here, //
};
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
        let cache = self.caches.enter();

        match cache.pop() {
            Some(slot) => {
                count(&cache.hits);
                Ok(slot)
            }
            None => self.take_shared(cache),
        }
    }

    #[cold]
    #[inline(never)]
    fn take_shared(&self, cache: Here<Cache>) -> Result<NonNull<Slot>> {
        count(&cache.misses);
        let batch = self.capacity.load(Relaxed) / 2;

        let found = self.shared.with(&cache, |shared| {
            if let Some(slot) = shared.free.pop() {
                // SAFETY: The cache is that of this CPU.
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
                self.grow(index, Gfp::Nowait)
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
        let cache = store.caches.enter();

        // With interrupts off, which the end of the store waits for. It is not used afterwards.
        if cache.len() < store.capacity.load(Relaxed) {
            // SAFETY: By the safety requirements of this function.
            unsafe { cache.push(slot) };
        } else {
            // SAFETY: As above.
            unsafe { Self::put_shared(slot, cache) };
        }
    }

    /// # Safety
    ///
    /// That of [`put`](Self::put).
    #[cold]
    #[inline(never)]
    unsafe fn put_shared(slot: NonNull<Slot>, cache: Here<Cache>) {
        // SAFETY: As in `put`.
        let store = unsafe { slot.as_ref().store() };
        // SAFETY: As in `put`.
        let this = unsafe { store.as_ref() };

        // SAFETY: The cache is that of this CPU, and the slot is the caller's.
        let over = this.shared.with(&cache, |shared| unsafe {
            let usual = this.layout.capacity;
            if this.capacity.load(Relaxed) != 0 {
                // The cache is full.
                count(&cache.flushes);
                shared.free.take_from(&cache, usual.div_ceil(2));
                cache.push(slot);
                return false;
            }
            shared.free.take_from(&cache, usize::MAX);
            shared.free.push(slot);
            if shared.life == Life::Open && shared.free.len() > usual / 2 {
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
