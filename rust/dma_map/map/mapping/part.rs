// SPDX-License-Identifier: GPL-2.0

//! A range of a mapping that the CPU takes back, while the rest stays as the device left it.
//!
//! What a network driver does with a packet of 60 bytes in a buffer of 2048: it syncs 60. The rest
//! is not accessible meanwhile, because the CPU may see old data there. The device is idle, and it
//! gets all of the mapping back at once.

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
    error::Refused,
    generic::variance::Inside,
    handle::Backing,
    state::{
        private::State as _,
        Device,
        InDevice,
        Part, //
    },
};
use core::ops::Range;
use kernel::prelude::*;
use zerocopy::FromBytes;

impl<'bound, B: Contiguous, D: Direction, E: Engine> DmaMapping<'bound, B, D, Device<E>> {
    /// Takes a range of bytes back for the CPU when the device is done, and syncs it.
    ///
    /// What is synced is whole cache lines, as far as they lie in the buffer; what can be accessed
    /// is the range.
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
    ) -> Result<DmaMapping<'bound, B, D, Part>, Refused<Self>> {
        let error = if range.is_empty() || range.end > self.size() {
            EINVAL
        } else if !self.state().is_done() {
            EBUSY
        } else {
            // SAFETY: By the type invariants it is mapped in this direction; the device is done. The range
            // is within the buffer, not empty, and synced.
            return Ok(unsafe {
                self.into_state(Part(range.clone()), |single| {
                    single.mapped.sync_for_cpu::<D>(single.lines(&range))
                })
            });
        };

        Err(Refused {
            error,
            handle: self,
        })
    }
}

impl<B: Contiguous> Single<'_, B> {
    /// A range, widened to the cache lines that hold it, within the buffer.
    ///
    /// The bytes beside the range are nobody's while the device is idle, and their lines are clean:
    /// what the CPU has of them was read when the range was synced.
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
        // direction carries elements without padding only, so all bytes are initialised. The buffer
        // is ours, and written by `as_mut_bytes` only.
        unsafe { core::slice::from_raw_parts(base.wrapping_add(start), end.wrapping_sub(start)) }
    }

    /// Returns the bytes of the range, to be written for the device.
    #[inline]
    pub fn as_mut_bytes(&mut self) -> &mut [u8]
    where
        D: CpuWrites,
        B::Element: FromBytes,
    {
        let Range { start, end } = self.state().0;
        let base = core::ptr::from_mut(self.backing.buffer.contents_mut()).cast::<u8>();

        // SAFETY: As in `as_bytes`, and `self` is borrowed exclusively. Elements are `FromBytes`, so
        // whatever is written leaves them valid.
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

        // SAFETY: The range was synced above, and the rest has been in sync.
        unsafe { self.into_state(Device::of(engine, Inside(())), |_| ()) }
    }

    /// Unmaps the buffer and gives it back, with what the device wrote beside the range, too.
    ///
    /// C API: `dma_unmap_phys()`, which syncs; what the CPU wrote is synced for the device before.
    /// Context: any.
    pub fn unmap(self) -> B {
        self.sync_back();

        // SAFETY: By the type invariants the device is done.
        unsafe { self.into_buffer() }
    }

    /// Gives the range to the device again.
    #[inline]
    fn sync_back(&self) {
        let lines = self.backing.lines(&self.state().0);

        // SAFETY: By the type invariants it is mapped in this direction. The callers consume the
        // handle, so the CPU is done.
        unsafe { self.backing.mapped.sync_for_device::<D>(lines) };
    }
}
