// SPDX-License-Identifier: GPL-2.0

//! Slots of buffers, per-CPU caches, and lists.
//!
//! The lists are here and not in the buffers, where a device could reach them.

use super::store::Store;
use crate::{
    generic::percpu::PerCpu,
    sys::ffi, //
};
use core::{
    cell::Cell,
    ptr::{
        null_mut,
        NonNull, //
    },
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

/// The maximum number of slots that move between lists while interrupts are off.
///
/// It bounds that time, see [`MappedPoolOptions::cache`](super::MappedPoolOptions::cache).
pub(super) const BATCH: usize = 32;

/// The pool's record of a buffer.
///
/// # Invariants
///
/// - It has one owner at a time: a handle, the cache of a CPU, the reserve, or a chunk that is not
///   allocated yet. The owner may use the fields.
/// - From the allocation of its chunk on, `cpu` and `dma` are the addresses of the buffer, and `store`
///   is the store that this slot belongs to. This holds as long as the slot has an owner.
/// - A take that found the slot in a cache may read `next` after the slot has left it. So `next` is
///   atomic, and what such a take has read is not used.
// Neighbours belong to different CPUs, hence the alignment. The C helpers know `next`.
#[repr(C, align(64))]
pub(super) struct Slot {
    next: AtomicPtr<Slot>,
    cpu: Cell<NonNull<c_void>>,
    dma: Cell<DmaAddress>,
    store: Cell<NonNull<Store>>,
}

impl Slot {
    pub(super) const fn new() -> Self {
        Self {
            next: AtomicPtr::new(null_mut()),
            cpu: Cell::new(NonNull::dangling()),
            dma: Cell::new(0),
            store: Cell::new(NonNull::dangling()),
        }
    }

    /// Sets the addresses of the buffer.
    ///
    /// # Safety
    ///
    /// The caller must own the slot. These must be the addresses of its buffer, which belongs to
    /// `store`.
    pub(super) unsafe fn place(
        &self,
        cpu: NonNull<c_void>,
        dma: DmaAddress,
        store: NonNull<Store>,
    ) {
        self.cpu.set(cpu);
        self.dma.set(dma);
        self.store.set(store);
    }

    /// Returns the address of the buffer for the CPU.
    #[inline(always)]
    pub(super) fn cpu(&self) -> NonNull<c_void> {
        self.cpu.get()
    }

    /// Returns the address of the buffer for the device.
    #[inline(always)]
    pub(super) fn dma(&self) -> DmaAddress {
        self.dma.get()
    }

    #[inline(always)]
    pub(super) fn store(&self) -> NonNull<Store> {
        self.store.get()
    }
}

/// Adds one to a counter. Interrupts must be off on the CPU that counts here.
#[inline(always)]
pub(super) fn count(counter: &AtomicUsize) {
    counter.store(counter.load(Relaxed).wrapping_add(1), Relaxed);
}

/// A list of free buffers, last in, first out.
///
/// # Invariants
///
/// `head` is the first of the linked slots, which this list owns. `count` is their number; that of a
/// [`Cache`] may be larger.
// The C helpers know the fields.
#[repr(C)]
pub(super) struct List {
    head: AtomicPtr<Slot>,
    count: AtomicUsize,
}

impl List {
    pub(super) const fn new() -> Self {
        Self {
            head: AtomicPtr::new(null_mut()),
            count: AtomicUsize::new(0),
        }
    }

    /// Returns the number of buffers.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// Takes a buffer.
    ///
    /// # Safety
    ///
    /// Nobody else may write to the list meanwhile; for that of a cache, the caller must be a permitted
    /// writer of kind 2 or 3 of [`Cache`].
    pub(super) unsafe fn pop(&self) -> Option<NonNull<Slot>> {
        let slot = NonNull::new(self.head.load(Relaxed))?;

        // SAFETY: By the type invariants this list owns the slot, so it is valid.
        let next = unsafe { slot.as_ref() }.next.load(Relaxed);
        self.head.store(next, Relaxed);
        self.count.store(self.len().wrapping_sub(1), Relaxed);
        Some(slot)
    }

    /// Puts a buffer in.
    ///
    /// # Safety
    ///
    /// The caller must own the slot, and gives it up. Nobody else may write to the list meanwhile; for
    /// that of a cache, the caller must be on its CPU, with interrupts off, and have found
    /// [`room`](Cache::room).
    pub(super) unsafe fn push(&self, slot: NonNull<Slot>) {
        // SAFETY: The caller owns the slot, so it is valid.
        let next = unsafe { &slot.as_ref().next };

        next.store(self.head.load(Relaxed), Relaxed);
        self.head.store(slot.as_ptr(), Relaxed);
        count(&self.count);
    }

    /// Moves up to `count` buffers, at most [`BATCH`], from `other` to this list. Returns how many.
    ///
    /// They stay linked, so each costs one read.
    ///
    /// # Safety
    ///
    /// Those of [`pop`](Self::pop) for `other`, and of [`push`](Self::push) for this list.
    pub(super) unsafe fn take(&self, other: &Self, count: usize) -> usize {
        let first = other.head.load(Relaxed);
        let (mut rest, mut last, mut moved) = (first, None, 0usize);
        while moved < count.min(BATCH) {
            let Some(slot) = NonNull::new(rest) else {
                break;
            };
            // SAFETY: By the type invariants the other list owns the slot, so it is valid.
            let next = unsafe { &(*slot.as_ptr()).next };
            rest = next.load(Relaxed);
            last = Some(next);
            moved = moved.wrapping_add(1);
        }

        if let Some(last) = last {
            other.head.store(rest, Relaxed);
            other.count.store(other.len().wrapping_sub(moved), Relaxed);
            last.store(self.head.load(Relaxed), Relaxed);
            self.head.store(first, Relaxed);
            self.count.store(self.len().wrapping_add(moved), Relaxed);
        }
        moved
    }
}

/// The cache of a CPU.
///
/// # Writers
///
/// 1. [`take`](Self::take) and [`put`](Self::put), on the CPU whose cache it is, with preemption off and
///    interrupts on. Each change is one instruction with respect to that CPU (`this_cpu_*()`).
/// 2. [`pop`](List::pop) and [`push`](List::push), on that CPU, with interrupts off.
/// 3. `pop` on another CPU, under the store's lock, when no writer of kind 1 is left and kind 2 takes
///    that lock: the capacity is 0, and the teardown has waited for those that may have read another one
///    (see [`teardown`](super::teardown)).
///
/// So between two instructions of kind 1, only an interrupt on the same CPU can write, and it completes
/// before it returns: calls on a CPU nest, and don't interleave.
///
/// # Why a take is correct
///
/// It reads the head, then the slot's `next`, and then exchanges the head for `next`, if the head is
/// unchanged. In between, an interrupt may have taken slots. If the head is the same again, but its
/// successor is not, then this slot was taken and put back. That never happens: `taking` is not 0 from
/// before the head is read until after the exchange, and nothing is put in meanwhile, by the invariants.
/// So if the head is the same, the slot never left the list, and its `next` is unchanged.
///
/// # Why a put is correct
///
/// It only needs the old head to be the head at the exchange. Whatever has happened in between, the new
/// slot links to the current list.
///
/// # Invariants
///
/// - The `count` of `list` is at least the number of its slots. It is larger by those that interrupted
///   calls on this CPU are about to put in, or have taken out already. It never exceeds the store's
///   capacity at the time of the increment, except by the one that a put is about to subtract again.
/// - `taking` is the number of takes on this CPU that have begun and not completed. Nobody puts a slot
///   in while it is not 0. It is 0 again when an interrupt returns to a point where it was 0.
/// - Anybody may read the counters.
// The C helpers know the fields up to `hits`.
#[repr(C, align(64))]
pub(super) struct Cache {
    pub(super) list: List,
    taking: AtomicUsize,
    pub(super) hits: AtomicUsize,
    pub(super) misses: AtomicUsize,
    pub(super) refills: AtomicUsize,
    pub(super) flushes: AtomicUsize,
}

// SAFETY: All zeroes are an empty list, and counters of 0.
unsafe impl Zeroable for Cache {}

impl Cache {
    /// Takes a buffer from this CPU's cache, and counts a hit.
    ///
    /// Context: any but NMI.
    ///
    /// # Safety
    ///
    /// The caches must be those of a store that exists until this returns.
    #[inline(always)]
    pub(super) unsafe fn take(caches: &PerCpu<Cache>) -> Option<NonNull<Slot>> {
        // SAFETY: The caller guarantees that the store exists, and with it the caches and the slots,
        // which do not move. `Cache` and `Slot` begin with the fields that the helper expects.
        NonNull::new(unsafe { ffi::take_slot(caches.as_ptr()) }.cast())
    }

    /// Puts a buffer into this CPU's cache if that has room below `capacity`. Returns whether it did.
    ///
    /// Takes pointers because the store may be freed before this returns. Context: any but NMI.
    ///
    /// # Safety
    ///
    /// The caller must own the slot, and gives it up if this returns true. `caches` and `capacity` must
    /// be those of its store.
    #[inline(always)]
    pub(super) unsafe fn put(
        caches: *mut c_void,
        slot: NonNull<Slot>,
        capacity: *const usize,
    ) -> bool {
        // SAFETY: The store is valid as long as the caller owns the slot, and is not used after that.
        // The caches are used with preemption off, for which the teardown of the store waits.
        unsafe { ffi::put_slot(caches, slot.as_ptr().cast(), capacity) }
    }

    /// Returns how many of `count` buffers fit in. Interrupts must be off.
    pub(super) fn room(&self, capacity: usize, count: usize) -> usize {
        match self.taking.load(Relaxed) {
            0 => capacity.saturating_sub(self.list.len()).min(count),
            // This interrupts a take.
            _ => 0,
        }
    }
}
