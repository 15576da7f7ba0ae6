// SPDX-License-Identifier: GPL-2.0

//! A handle of any type, in any state.

use crate::{
    engines::Turn,
    pattern,
    sample::Sample, //
};
use dma_map::{
    sg::Segment,
    Bidirectional,
    Busy,
    DmaPool,
    MappedPool, //
};
use kernel::{
    device::{
        self,
        Bound, //
    },
    dma::DmaAddress,
    prelude::*,
    sync::Arc, //
};

/// A handle on its way through the states. A verb that its type has not is `EOPNOTSUPP`, and a verb
/// that its state has not is `EBADFD`, after which it is gone.
pub(super) trait Subject: Send + Sync {
    /// The bytes of the handle.
    fn size(&self) -> usize;

    /// The device of the handle.
    fn device(&self) -> *const device::Device<Bound>;

    /// Where the device reaches its memory.
    fn segments(&self) -> Result<KVec<Segment>>;

    /// Whether the memory of the CPU, or the buffer, holds the pattern `seed`.
    fn holds(&self, _seed: u8) -> bool {
        false
    }

    /// Where the CPU finds its memory, or null.
    fn place(&self) -> *const u8 {
        core::ptr::null()
    }

    fn give(&mut self, _turn: Turn) -> Result {
        Err(EOPNOTSUPP)
    }

    fn complete(&mut self) -> Result {
        Err(EOPNOTSUPP)
    }

    fn cancel(&mut self) -> Result {
        Err(EOPNOTSUPP)
    }

    fn unmap(&mut self) -> Result {
        Err(EOPNOTSUPP)
    }

    /// Drops what there is: the handle or the buffer.
    fn release(&mut self);

    /// Drops a copy of the handle, which the device has.
    ///
    /// # Safety
    ///
    /// The engine cannot be stopped, so that the drop leaks the memory, and the caller has leaked a
    /// [`Turn`] of it.
    unsafe fn quarantine(&mut self);

    /// How many blocks or buffers of its pool are in use.
    fn outstanding(&self) -> usize {
        0
    }
}

/// A handle of any type.
pub(super) type Handle<'b> = KBox<dyn Subject + 'b>;

/// What became of a handle.
pub(super) enum Now<C, G, B> {
    Cpu(C),
    Given(G),
    Back(B),
    Gone,
}

impl<C, G, B> Now<C, G, B> {
    pub(super) fn take(&mut self) -> Self {
        core::mem::replace(self, Now::Gone)
    }

    /// What a verb leaves.
    pub(super) fn after<T>(result: Result<T, Busy<G>>, next: fn(T) -> Self) -> (Self, Result) {
        match result {
            Ok(value) => (next(value), Ok(())),
            Err(Busy(given)) => (Now::Given(given), Err(EBUSY)),
        }
    }
}

/// A handle, and beside it what has to be there as long as it is.
pub(super) struct Held<C, G, B = (), P = ()> {
    pub(super) now: Now<C, G, B>,
    // Dropped after the handle.
    pub(super) beside: P,
}

impl<C, G, B, P> Held<C, G, B, P> {
    pub(super) fn boxed<'b>(given: G, beside: P) -> Result<Handle<'b>>
    where
        Self: Subject + 'b,
    {
        let now = Now::Given(given);
        let held: Handle<'b> = KBox::new(Self { now, beside }, GFP_KERNEL)?;
        Ok(held)
    }
}

/// What may be beside a handle: its pool.
pub(super) trait Beside {
    fn outstanding(&self) -> usize {
        0
    }

    /// Leaks what the drop of a quarantined handle drops.
    fn leak(&self) {}
}

impl Beside for () {}

impl<T> Beside for KBox<DmaPool<'_, T>> {
    fn outstanding(&self) -> usize {
        DmaPool::outstanding(self)
    }
}

impl<T> Beside for Arc<DmaPool<'_, T>> {
    fn outstanding(&self) -> usize {
        DmaPool::outstanding(self)
    }

    fn leak(&self) {
        core::mem::forget(self.clone());
    }
}

impl Beside for MappedPool<'_, u8, Bidirectional> {
    fn outstanding(&self) -> usize {
        self.stats().in_use
    }
}

/// Memory that the CPU has.
pub(super) trait Contents {
    fn holds(&self, seed: u8) -> bool;
    fn place(&self) -> *const u8;
}

impl Contents for [u8] {
    fn holds(&self, seed: u8) -> bool {
        pattern::holds(self, seed, 0)
    }

    fn place(&self) -> *const u8 {
        self.as_ptr()
    }
}

impl<B: Sample> Contents for B {
    fn holds(&self, seed: u8) -> bool {
        Sample::holds(self, seed)
    }

    fn place(&self) -> *const u8 {
        Sample::place(self)
    }
}

/// Of a handle without a buffer, nothing comes back.
impl Contents for () {
    fn holds(&self, _seed: u8) -> bool {
        false
    }

    fn place(&self) -> *const u8 {
        core::ptr::null()
    }
}

pub(super) fn listed(segments: &mut dyn Iterator<Item = Segment>) -> Result<KVec<Segment>> {
    let mut all = KVec::new();
    for segment in segments {
        all.push(segment, GFP_ATOMIC)?;
    }
    Ok(all)
}

pub(super) fn one(address: DmaAddress, size: usize) -> Result<KVec<Segment>> {
    let len = size as u32;
    listed(&mut [Segment { address, len }].into_iter())
}
