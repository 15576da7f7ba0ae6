// SPDX-License-Identifier: GPL-2.0

//! Partial completion: the CPU takes back a range of a mapping, and the rest is not synced.
//!
//! For example, a network driver syncs only the 60 bytes of a packet in a buffer of 2048. The rest is
//! not accessible meanwhile, because the CPU may see old data there. The device is idle, and later
//! gets the whole mapping back.

use super::{
    DmaMapping,
    Single, //
};
use crate::{
    buf::contiguous::Contiguous,
    direction::{
        CpuReads,
        CpuWrites,
        Direction, //
    },
    engine::Engine,
    error::MapError,
    handle::{
        Backing,
        Dma,
        ForCpu,
        ForDevice, //
    },
    state::{
        private::State as _,
        Device,
        Part, //
    },
};
use core::ops::Range;
use kernel::prelude::*;
use zerocopy::FromBytes;

impl<'bound, B: Contiguous, D: Direction, E: Engine> DmaMapping<'bound, B, D, Device<E>> {
    /// Takes a range of bytes back for the CPU when the device is done, and syncs it.
    ///
    /// Syncs whole cache lines, as far as they lie within the buffer. Only the range can be accessed.
    ///
    /// C API: `dma_sync_single_range_for_cpu()`. Context: any.
    ///
    /// # Errors
    ///
    /// The mapping comes back with each of them:
    ///
    /// - `EINVAL`: the range is empty, or does not lie within the buffer.
    /// - `EBUSY`: the engine is not idle.
    pub fn complete_range(
        self,
        range: Range<usize>,
    ) -> Result<DmaMapping<'bound, B, D, Part>, MapError<Self>> {
        let failed = |error, buffer| Err(MapError { error, buffer });

        if range.is_empty() || range.end > self.size() {
            return failed(EINVAL, self);
        }
        if !self.state().is_done() {
            return failed(EBUSY, self);
        }
        let (single, _before) = self.into_parts();

        // SAFETY: By the type invariants the memory is mapped in this direction; the device is done, and in
        // its states there is no reference to the memory. The range is within the buffer, not empty, and
        // synced.
        unsafe {
            single.mapped.sync::<D, ForCpu>(single.lines(&range));
            Ok(Dma::from_parts(single, Part(range)))
        }
    }
}

impl<B: Contiguous> Single<'_, B> {
    /// Returns the range, widened to whole cache lines within the buffer.
    ///
    /// Nothing accesses the bytes next to the range while the device is idle, and their lines are clean:
    /// the caches have at most what was read with the range after it was synced.
    #[inline]
    fn lines(&self, range: &Range<usize>) -> Range<usize> {
        // `start` is within the buffer, whose address does not wrap.
        let base = core::ptr::from_ref(self.buffer.contents())
            .cast::<u8>()
            .addr();
        let mask = self.device().cache_alignment().wrapping_sub(1);

        let first = base.wrapping_add(range.start) & !mask;
        let last = (base.wrapping_add(range.end).wrapping_sub(1)) | mask;
        first.saturating_sub(base)..last.wrapping_sub(base).wrapping_add(1).min(self.size())
    }
}

impl<'bound, B: Contiguous, D: Direction> DmaMapping<'bound, B, D, Part> {
    /// Returns the range of bytes that the CPU has.
    #[inline]
    pub fn range(&self) -> Range<usize> {
        self.state().0.clone()
    }

    /// Returns the bytes of the range, which the device wrote.
    #[inline]
    pub fn as_bytes(&self) -> &[u8]
    where
        D: CpuReads,
    {
        let Range { start, end } = self.state().0;
        let base = core::ptr::from_ref(self.backing.buffer.contents()).cast::<u8>();

        // SAFETY: The range is within the buffer, and synced for the CPU (type invariants). A
        // direction carries elements without padding only, so all bytes are initialised. The handle
        // owns the buffer, and only `as_mut_bytes` writes to it.
        unsafe { core::slice::from_raw_parts(base.wrapping_add(start), end.wrapping_sub(start)) }
    }

    /// Returns the bytes of the range, mutably, to write data for the device.
    #[inline]
    pub fn as_mut_bytes(&mut self) -> &mut [u8]
    where
        D: CpuWrites,
        B::Element: FromBytes,
    {
        let Range { start, end } = self.state().0;
        let base = core::ptr::from_mut(self.backing.buffer.contents_mut()).cast::<u8>();

        // SAFETY: The range is within the buffer, initialised, and synced for the CPU (type invariants).
        // `self` is borrowed exclusively. Elements are `FromBytes`, so any bytes leave them valid.
        unsafe {
            core::slice::from_raw_parts_mut(base.wrapping_add(start), end.wrapping_sub(start))
        }
    }

    /// Syncs the range and gives the mapping to the device behind `engine`.
    ///
    /// C API: `dma_sync_single_range_for_device()`. Context: any.
    #[inline]
    pub fn give<E: Engine>(self, engine: E) -> DmaMapping<'bound, B, D, Device<E>> {
        self.sync_back();
        let (single, _range) = self.into_parts();

        // SAFETY: The range was synced above, and the rest still is in sync for the device.
        unsafe { Dma::in_device(single, engine) }
    }

    /// Unmaps the buffer and returns it, with what the device wrote outside of the range, too.
    ///
    /// C API: `dma_sync_single_range_for_device()` for what the CPU wrote, then `dma_unmap_phys()`, which
    /// syncs.
    /// Context: any.
    pub fn unmap(self) -> B {
        self.sync_back();

        // SAFETY: The device does not access memory in the `Part` state (type invariants).
        unsafe { self.into_buffer() }
    }

    /// Syncs the range for the device.
    #[inline]
    fn sync_back(&self) {
        let lines = self.backing.lines(&self.state().0);

        // SAFETY: By the type invariants the memory is mapped in this direction. The callers consume
        // the handle, so the CPU is done.
        unsafe { self.backing.mapped.sync::<D, ForDevice>(lines) };
    }
}
