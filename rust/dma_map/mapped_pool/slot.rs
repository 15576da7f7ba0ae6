// SPDX-License-Identifier: GPL-2.0

//! What a pool knows of a buffer, and lists of them.
//!
//! The lists are here and not in the buffers, so that no device can reach them.

use super::store::Store;
use core::{
    cell::Cell,
    ptr::NonNull,
    sync::atomic::{
        AtomicPtr,
        AtomicUsize,
        Ordering::Relaxed, //
    }, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// A buffer.
///
/// # Invariants
///
/// - One has it at a time: a handle, the cache of a CPU, the reserve, or a chunk that was not
///   allocated yet. Who has it may use the fields.
/// - From the allocation of its chunk on, `cpu` and `dma` are the addresses of the buffer, and
///   `store` is the store that this slot belongs to, for as long as somebody has the slot.
// Neighbours belong to different CPUs.
#[repr(align(64))]
pub(super) struct Slot {
    next: Cell<*mut Slot>,
    cpu: Cell<NonNull<c_void>>,
    dma: Cell<DmaAddress>,
    store: Cell<NonNull<Store>>,
}

impl Slot {
    pub(super) const fn new() -> Self {
        Self {
            next: Cell::new(core::ptr::null_mut()),
            cpu: Cell::new(NonNull::dangling()),
            dma: Cell::new(0),
            store: Cell::new(NonNull::dangling()),
        }
    }

    /// Says where the buffer is; for who has the slot.
    pub(super) fn place(&self, cpu: NonNull<c_void>, dma: DmaAddress, store: NonNull<Store>) {
        self.cpu.set(cpu);
        self.dma.set(dma);
        self.store.set(store);
    }

    /// Where the CPU finds the buffer.
    #[inline(always)]
    pub(super) fn cpu(&self) -> NonNull<c_void> {
        self.cpu.get()
    }

    /// Where the device finds the buffer.
    #[inline(always)]
    pub(super) fn dma(&self) -> DmaAddress {
        self.dma.get()
    }

    #[inline(always)]
    pub(super) fn store(&self) -> NonNull<Store> {
        self.store.get()
    }
}

/// The buffers that a CPU has at hand, the last one first.
///
/// # Invariants
///
/// `head` is the first of `count` slots that are linked, which this cache has. The CPU whose cache
/// it is changes the fields, with interrupts off, or who has seen to it that no CPU does any more;
/// anybody may read the numbers.
#[repr(C, align(64))]
pub(super) struct Cache {
    head: AtomicPtr<Slot>,
    count: AtomicUsize,
    pub(super) hits: AtomicUsize,
    pub(super) misses: AtomicUsize,
    pub(super) refills: AtomicUsize,
    pub(super) flushes: AtomicUsize,
}

// SAFETY: No buffers, and numbers.
unsafe impl Zeroable for Cache {}

/// Counts one more; no other CPU counts here.
#[inline(always)]
pub(super) fn count(counter: &AtomicUsize) {
    counter.store(counter.load(Relaxed).wrapping_add(1), Relaxed);
}

impl Cache {
    /// The number of buffers.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// Takes a buffer.
    #[inline(always)]
    pub(super) fn pop(&self) -> Option<NonNull<Slot>> {
        let slot = NonNull::new(self.head.load(Relaxed))?;

        // SAFETY: By the type invariants the slot is valid, and ours.
        let next = unsafe { slot.as_ref() }.next.get();
        self.head.store(next, Relaxed);
        self.count
            .store(self.count.load(Relaxed).wrapping_sub(1), Relaxed);
        Some(slot)
    }

    /// Puts a buffer in.
    ///
    /// # Safety
    ///
    /// The caller must have the slot, and give it away.
    #[inline(always)]
    pub(super) unsafe fn push(&self, slot: NonNull<Slot>) {
        // SAFETY: The slot is valid, by the safety requirements of this function.
        unsafe { slot.as_ref() }.next.set(self.head.load(Relaxed));
        self.head.store(slot.as_ptr(), Relaxed);
        count(&self.count);
    }
}

/// Buffers that nobody uses.
///
/// # Invariants
///
/// `head` is the first of `count` slots that are linked, which this list has.
pub(super) struct List {
    head: *mut Slot,
    count: usize,
}

// SAFETY: Slots are not tied to a thread.
unsafe impl Send for List {}

impl List {
    pub(super) const fn new() -> Self {
        Self {
            head: core::ptr::null_mut(),
            count: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn pop(&mut self) -> Option<NonNull<Slot>> {
        let slot = NonNull::new(self.head)?;

        // SAFETY: By the type invariants the slot is valid, and ours.
        self.head = unsafe { slot.as_ref() }.next.get();
        self.count = self.count.wrapping_sub(1);
        Some(slot)
    }

    /// # Safety
    ///
    /// The caller must have the slot, and give it away.
    pub(super) unsafe fn push(&mut self, slot: NonNull<Slot>) {
        // SAFETY: The slot is valid, by the safety requirements of this function.
        unsafe { slot.as_ref() }.next.set(self.head);
        self.head = slot.as_ptr();
        self.count = self.count.wrapping_add(1);
    }

    /// Moves up to `count` buffers from a cache here.
    ///
    /// # Safety
    ///
    /// The caller must be the one who may change `cache`.
    pub(super) unsafe fn take_from(&mut self, cache: &Cache, count: usize) {
        for slot in (0..count).map_while(|_| cache.pop()) {
            // SAFETY: It was taken out above.
            unsafe { self.push(slot) };
        }
    }

    /// Moves up to `count` buffers from here to a cache.
    ///
    /// # Safety
    ///
    /// The caller must be the one who may change `cache`.
    pub(super) unsafe fn give_to(&mut self, cache: &Cache, count: usize) {
        for slot in (0..count).map_while(|_| self.pop()) {
            // SAFETY: It was taken out above.
            unsafe { cache.push(slot) };
        }
    }
}
