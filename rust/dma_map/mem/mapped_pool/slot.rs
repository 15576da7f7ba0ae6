// SPDX-License-Identifier: GPL-2.0

//! What a pool knows of a buffer, and lists of them.
//!
//! The lists are here and not in the buffers, so that no device can reach them.

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

/// The most slots that go from one list to another while interrupts are off.
///
/// This bounds the time, see [`MappedPoolOptions::cache`](super::MappedPoolOptions::cache).
pub(super) const BATCH: usize = 32;

/// A buffer.
///
/// # Invariants
///
/// - One has it at a time: a handle, the cache of a CPU, the reserve, or a chunk that was not
///   allocated yet. Who has it may use the fields.
/// - From the allocation of its chunk on, `cpu` and `dma` are the addresses of the buffer, and
///   `store` is the store that this slot belongs to, for as long as somebody has the slot.
/// - `next` may be read by who had found the slot in a cache, and does not know yet that it is gone. It
///   is atomic for that, and what was read is not used.
// Neighbours belong to different CPUs. The helpers in C know `next`.
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

    /// Says where the buffer is.
    ///
    /// # Safety
    ///
    /// The caller must have the slot, and there be such a buffer, of this store.
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
/// # Who changes it
///
/// 1. [`take`](Self::take) and [`put`](Self::put), on the CPU whose cache it is, with preemption off and
///    interrupts on. Each change is one instruction to that CPU (`this_cpu_*()`).
/// 2. [`pop`](Self::pop) and [`push`](Self::push), on that CPU, with interrupts off.
/// 3. `pop` on another CPU, under the store's lock, when 1 is over for good and 2 is under that lock: the
///    capacity is 0, and whoever may have seen another one was waited for (see [`end`](super::end)).
///
/// So what can come between two instructions of 1 is an interrupt on the same CPU, and what that does is
/// complete when it returns: calls on a CPU nest, and don't interleave.
///
/// # Why a take is right
///
/// It reads the head, then the slot's `next`, and then exchanges the head for that, if the head is still
/// what it was. In between, an interrupt may have taken slots. If the head is the same again, but not
/// what follows it, then this slot was taken and put in again. That never happens: `taking` is not 0 from
/// before the head is read until it was exchanged, and meanwhile nothing is put in, by the invariants. So
/// if the head is the same, the slot was never gone, and its `next` is what it was.
///
/// # Why a put is right
///
/// It needs no more of the old head than that it is the head when the exchange is done: whatever has
/// happened in between, the list goes on from there.
///
/// # Invariants
///
/// - `head` is the first of the slots that are linked, which this cache has.
/// - `count` is no less than there are. It is more by what calls on this CPU that were interrupted are
///   about to put in, or have taken out already. It is never more than the store's capacity was when it
///   was raised, but for the one that a put is about to give up.
/// - `taking` is the number of takes that were begun on this CPU, and not completed. Nobody puts a slot in
///   when it is not 0. It is 0 again when an interrupt returns to where it was 0.
/// - Anybody may read the numbers.
// The helpers in C know the fields up to `hits`.
#[repr(C, align(64))]
pub(super) struct Cache {
    head: AtomicPtr<Slot>,
    count: AtomicUsize,
    taking: AtomicUsize,
    pub(super) hits: AtomicUsize,
    pub(super) misses: AtomicUsize,
    pub(super) refills: AtomicUsize,
    pub(super) flushes: AtomicUsize,
}

// SAFETY: No buffers, and numbers.
unsafe impl Zeroable for Cache {}

/// Counts one more; for who has interrupts off on the CPU that counts here.
#[inline(always)]
pub(super) fn count(counter: &AtomicUsize) {
    counter.store(counter.load(Relaxed).wrapping_add(1), Relaxed);
}

impl Cache {
    /// Takes a buffer of this CPU, and counts a hit.
    ///
    /// Context: any but NMI.
    ///
    /// # Safety
    ///
    /// The caches must be those of a store that is there until this returns.
    #[inline(always)]
    pub(super) unsafe fn take(caches: &PerCpu<Cache>) -> Option<NonNull<Slot>> {
        // SAFETY: The caches are valid, and begin as C has it. Slots stay in place as long as the store
        // does, which is there by the safety requirements of this function.
        NonNull::new(unsafe { ffi::take_slot(caches.as_ptr()) }.cast())
    }

    /// Puts a buffer in on this CPU, if there is room below `capacity`, and returns whether it did.
    ///
    /// These are pointers because the store may be gone when this returns. Context: any but NMI.
    ///
    /// # Safety
    ///
    /// The caller must have the slot, and give it away if this returns true. `caches` and `capacity` must
    /// be those of its store.
    #[inline(always)]
    pub(super) unsafe fn put(
        caches: *mut c_void,
        slot: NonNull<Slot>,
        capacity: *const usize,
    ) -> bool {
        // SAFETY: By the safety requirements of this function. The store is valid as long as the caller
        // has the slot; then it is not used, and the caches are, with preemption off, as long as the
        // end of the store waits for that.
        unsafe { ffi::put_slot(caches, slot.as_ptr().cast(), capacity) }
    }

    /// The number of buffers.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// How many buffers may be put in of `count`, with interrupts off.
    pub(super) fn room(&self, capacity: usize, count: usize) -> usize {
        match self.taking.load(Relaxed) {
            0 => capacity.saturating_sub(self.len()).min(count),
            // This interrupts a take.
            _ => 0,
        }
    }

    /// Takes a buffer.
    ///
    /// # Safety
    ///
    /// The caller must be the one who may change the cache, see 2 and 3 [above](Self).
    pub(super) unsafe fn pop(&self) -> Option<NonNull<Slot>> {
        let slot = NonNull::new(self.head.load(Relaxed))?;

        // SAFETY: By the type invariants the slot is valid, and ours.
        let next = unsafe { slot.as_ref() }.next.load(Relaxed);
        self.head.store(next, Relaxed);
        self.count
            .store(self.count.load(Relaxed).wrapping_sub(1), Relaxed);
        Some(slot)
    }

    /// Puts a buffer in.
    ///
    /// # Safety
    ///
    /// The caller must be on the CPU whose cache it is, with interrupts off, and have found
    /// [`room`](Self::room) for it. It must have the slot, and give it away.
    pub(super) unsafe fn push(&self, slot: NonNull<Slot>) {
        // SAFETY: The slot is valid, by the safety requirements of this function.
        let next = unsafe { &slot.as_ref().next };

        next.store(self.head.load(Relaxed), Relaxed);
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
            head: null_mut(),
            count: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn pop(&mut self) -> Option<NonNull<Slot>> {
        let slot = NonNull::new(self.head)?;

        // SAFETY: By the type invariants the slot is valid, and ours.
        self.head = unsafe { slot.as_ref() }.next.load(Relaxed);
        self.count = self.count.wrapping_sub(1);
        Some(slot)
    }

    /// # Safety
    ///
    /// The caller must have the slot, and give it away.
    pub(super) unsafe fn push(&mut self, slot: NonNull<Slot>) {
        // SAFETY: The slot is valid, by the safety requirements of this function.
        unsafe { slot.as_ref() }.next.store(self.head, Relaxed);
        self.head = slot.as_ptr();
        self.count = self.count.wrapping_add(1);
    }

    /// Moves up to a [`BATCH`] of buffers from another list here.
    pub(super) fn take_from_list(&mut self, other: &mut Self) {
        for slot in (0..BATCH).map_while(|_| other.pop()) {
            // SAFETY: It was taken out above.
            unsafe { self.push(slot) };
        }
    }

    /// Moves up to `count` buffers from a cache here, and no more than a [`BATCH`]: returns how many.
    ///
    /// # Safety
    ///
    /// The caller must be the one who may change `cache`, see 2 and 3 of [`Cache`].
    pub(super) unsafe fn take_from(&mut self, cache: &Cache, count: usize) -> usize {
        let before = self.count;
        // SAFETY: By the safety requirements of this function.
        for slot in (0..count.min(BATCH)).map_while(|_| unsafe { cache.pop() }) {
            // SAFETY: It was taken out above.
            unsafe { self.push(slot) };
        }
        self.count.wrapping_sub(before)
    }

    /// Moves up to `count` buffers from here to a cache, and no more than a [`BATCH`].
    ///
    /// # Safety
    ///
    /// The caller must be on the CPU whose cache it is, with interrupts off, and have found
    /// [`room`](Cache::room) for so many.
    pub(super) unsafe fn give_to(&mut self, cache: &Cache, count: usize) {
        for slot in (0..count.min(BATCH)).map_while(|_| self.pop()) {
            // SAFETY: By the safety requirements of this function; it was taken out above.
            unsafe { cache.push(slot) };
        }
    }
}
