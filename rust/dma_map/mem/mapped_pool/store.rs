// SPDX-License-Identifier: GPL-2.0

//! The store of a pool: the state that it shares with its buffers.
//!
//! A free buffer is in the cache of a CPU or in the reserve. A take or a put uses the cache of its CPU,
//! by one exchange. When that is empty or full, a batch moves from or to the reserve, under a lock.

use super::{
    layout::Layout,
    memory::ChunkMemory,
    slot::{
        Cache,
        List,
        Slot,
        BATCH, //
    },
    stats::{
        self,
        MappedPoolStats, //
    },
};
use crate::{
    device::DmaDevice,
    generic::{
        percpu::{
            PerCpu,
            RawLock, //
        },
        vec, //
    },
    gfp::Gfp,
    sys::{
        debugfs::Entry,
        deferral::Job, //
    },
};
use core::{
    cell::Cell,
    ptr::NonNull,
    sync::atomic::AtomicUsize, //
};
use kernel::{
    bindings,
    dma::DmaAddress,
    prelude::*, //
};

/// Buffers that are allocated together.
///
/// # Invariants
///
/// The thread that took it off the list of blank chunks may use it. When its slots have been given away,
/// only the one that frees the store may.
pub(super) struct Chunk {
    pub(super) memory: Cell<Option<ChunkMemory>>,
    /// The index of the next blank chunk.
    pub(super) next: Cell<usize>,
    pub(super) home: Cell<usize>,
}

/// The phases of a store's life.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Phase {
    /// Its pool exists.
    Open,
    /// Its pool is gone, and the caches may still hold buffers.
    Closed,
    /// No cache holds buffers any more.
    Drained,
}

/// The state that the lock protects.
pub(super) struct Shared {
    pub(super) free: List,
    /// The index of the first blank chunk, or an invalid index.
    pub(super) blank: usize,
    allocated: usize,
    pub(super) quarantined: usize,
    pub(super) exhausted: usize,
    pub(super) phase: Phase,
}

impl Shared {
    /// Takes a blank chunk off the list, and returns its index.
    pub(super) fn take_blank(&mut self, chunks: &[Chunk]) -> Option<usize> {
        let next = chunks.get(self.blank)?.next.get();

        Some(core::mem::replace(&mut self.blank, next))
    }

    /// Returns whether the store is unused: `true` once, for the caller that made it so.
    pub(super) fn is_drained(&self) -> bool {
        self.phase == Phase::Drained
            && self.free.len().wrapping_add(self.quarantined) == self.allocated
    }
}

/// The buffers of a pool.
///
/// # Invariants
///
/// - `dev` is bound as long as a pool or a handle with this store or their deferred work exists.
/// - `slots` and `chunks` do not move, and there is a slot for each buffer of each chunk.
/// - A slot that is not blank is in a cache, in `free`, owned by a handle, or quarantined. A device can
///   access its buffer only in the latter two cases.
#[pin_data]
pub(super) struct Store {
    pub(super) caches: PerCpu<Cache>,
    /// The maximum for each cache: 0 while buffers are scarce, and when the pool is gone.
    pub(super) capacity: AtomicUsize,
    pub(super) dev: DmaDevice<'static>,
    pub(super) layout: Layout,
    direction: bindings::dma_data_direction,
    pub(super) slots: KVVec<Slot>,
    pub(super) chunks: KVVec<Chunk>,
    /// The start of the name, with at least one terminating 0.
    pub(super) name: [u8; 32],
    /// Frees the store; taken by the one that does.
    pub(super) finish: Cell<Option<Pin<KBox<Job>>>>,
    pub(super) entry: Cell<Option<Entry>>,
    #[pin]
    pub(super) shared: RawLock<Shared>,
}

// SAFETY: One thread at a time uses the cells: the owner those of slots and chunks, the one that frees
// the store `finish`, and the ones that make and free it `entry`.
unsafe impl Sync for Store {}

// SAFETY: Any thread may use and free each field.
unsafe impl Send for Store {}

impl Store {
    /// Makes a store without buffers.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    ///
    /// # Safety
    ///
    /// The device must be bound for as long as the type invariants require.
    pub(super) unsafe fn new(
        dev: DmaDevice<'_>,
        name: &CStr,
        layout: Layout,
        direction: bindings::dma_data_direction,
    ) -> Result<NonNull<Self>> {
        // SAFETY: The caller guarantees that nobody uses the token when the device is not bound.
        let dev = unsafe { core::mem::transmute::<DmaDevice<'_>, DmaDevice<'static>>(dev) };

        let flags = Gfp::Kernel.flags();
        let mut slots = KVVec::new();
        vec::reserve(&mut slots, layout.max, flags)?;
        while slots.len() < layout.max {
            vec::push_within_capacity(&mut slots, Slot::new()).map_err(|_| ENOMEM)?;
        }
        let mut chunks = KVVec::new();
        vec::reserve(&mut chunks, layout.chunks, flags)?;
        while chunks.len() < layout.chunks {
            let chunk = Chunk {
                memory: Cell::new(None),
                next: Cell::new(chunks.len().wrapping_add(1)),
                home: Cell::new(0),
            };
            vec::push_within_capacity(&mut chunks, chunk).map_err(|_| ENOMEM)?;
        }
        let mut start = [0; 32];
        for (to, from) in start.iter_mut().take(31).zip(name.to_bytes_with_nul()) {
            *to = *from;
        }
        let finish = Job::new(Gfp::Kernel)?;
        let capacity = layout.capacity;

        // INVARIANT: All slots are blank, and none moves.
        let this = KBox::try_pin_init::<Error>(
            try_pin_init!(Self {
                caches: PerCpu::zeroed()?,
                capacity: AtomicUsize::new(capacity),
                dev,
                layout,
                direction,
                slots,
                chunks,
                name: start,
                finish: Cell::new(Some(finish)),
                entry: Cell::new(None),
                shared <- RawLock::new(Shared {
                    free: List::new(),
                    blank: 0,
                    allocated: 0,
                    quarantined: 0,
                    exhausted: 0,
                    phase: Phase::Open,
                }),
            }),
            Gfp::Kernel.flags(),
        )?;

        // SAFETY: The store is not moved from here on.
        let this = KBox::leak(unsafe { Pin::into_inner_unchecked(this) });
        this.entry.set(stats::show(this));
        Ok(NonNull::from(this))
    }

    /// Allocates chunks until `prefill` buffers exist. Called when the store is new.
    ///
    /// # Errors
    ///
    /// Those of [`ChunkMemory::alloc`].
    pub(super) fn prefill(&self) -> Result {
        let blank = |shared: &mut Shared| {
            let more = shared.allocated < self.layout.prefill;
            more.then(|| shared.take_blank(&self.chunks)).flatten()
        };
        // SAFETY: The closure makes no guard.
        while let Some(index) = unsafe { self.with(blank) } {
            // SAFETY: This took the chunk off the list above.
            let slot = unsafe { self.grow(index, Gfp::Kernel) }?;
            // SAFETY: `grow` has given the slot to the caller. The closure makes no guard.
            unsafe { self.with(|shared| shared.free.push(slot)) };
        }
        Ok(())
    }

    /// Calls `f` under the lock.
    ///
    /// # Safety
    ///
    /// `f` must make no [guard](PerCpu::enter), so it must not call this, and take or put no buffer.
    pub(super) unsafe fn with<R>(&self, f: impl FnOnce(&mut Shared) -> R) -> R {
        // SAFETY: `f` makes no guard (function precondition). The store is borrowed, so the caches stay.
        let mut here = unsafe { self.caches.enter() };

        self.shared.with(&mut here, |shared, _| f(shared))
    }

    /// Allocates the blank chunk `index`, and returns one of its buffers to the caller.
    ///
    /// # Errors
    ///
    /// Those of [`ChunkMemory::alloc`]. The chunk is blank again then.
    ///
    /// # Safety
    ///
    /// The caller must have taken the chunk off the list of blank ones, and gives it up.
    pub(super) unsafe fn grow(&self, index: usize, gfp: Gfp) -> Result<NonNull<Slot>> {
        let layout = &self.layout;
        let start = index.wrapping_mul(layout.per_chunk);
        let chunk = self.chunks.get(index).ok_or(ENOMEM)?;
        let slots = self.slots.get(start..).ok_or(ENOMEM)?;

        let memory = ChunkMemory::alloc(self.dev, layout, self.direction, gfp);
        let memory = memory.inspect_err(|_| {
            let put = |shared: &mut Shared| {
                chunk.next.set(core::mem::replace(&mut shared.blank, index));
            };
            // SAFETY: The closure makes no guard.
            unsafe { self.with(put) };
        })?;
        let (cpu, dma) = (memory.cpu, memory.dma);
        chunk.memory.set(Some(memory));

        let (mut first, mut count) = (None, 0usize);
        let rest = List::new();
        for (index, slot) in slots.iter().take(layout.per_chunk).enumerate() {
            let offset = index.wrapping_mul(layout.stride);
            // SAFETY: The buffer is within the chunk.
            let cpu = unsafe { cpu.byte_add(offset) };
            // CAST: The offset is within the chunk, whose addresses do not wrap.
            let dma = dma.wrapping_add(offset as DmaAddress);
            // SAFETY: The caller owned the chunk and its slots. This slot's buffer was allocated above.
            unsafe { slot.place(cpu, dma, NonNull::from(self)) };
            count = count.wrapping_add(1);
            if let Some(slot) = first.replace(NonNull::from(slot)) {
                // SAFETY: The caller owned the chunk and its slots, so this slot is ours.
                unsafe { rest.push(slot) };
            }
        }

        // SAFETY: The closures make no guard. The caller owned these slots, and `rest` is on this stack.
        unsafe {
            self.with(|shared| shared.allocated = shared.allocated.wrapping_add(count));
            while rest.len() != 0 {
                self.with(|shared| shared.free.take(&rest, BATCH));
            }
        }
        first.ok_or(ENOMEM)
    }

    /// Collects the counters.
    ///
    /// Context: any but NMI.
    pub(super) fn stats(&self) -> MappedPoolStats {
        let mut stats = MappedPoolStats {
            max: self.layout.max,
            ..Default::default()
        };
        self.caches.for_each(|cache| stats.add(cache));
        let copy = |shared: &mut Shared| {
            stats.allocated = shared.allocated;
            stats.reserve = shared.free.len();
            stats.quarantined = shared.quarantined;
            stats.exhausted = shared.exhausted;
        };
        // SAFETY: The closure makes no guard.
        unsafe { self.with(copy) };
        let idle = stats.cached.wrapping_add(stats.reserve);
        stats.in_use = stats
            .allocated
            .saturating_sub(idle.wrapping_add(stats.quarantined));
        stats
    }
}
