// SPDX-License-Identifier: GPL-2.0

//! User space mappings of pages for streaming: the backend of [`Mmap`].

use super::{
    DmaBuffer,
    StreamingPages, //
    ToFree,
};
use crate::{
    device::DmaDevice,
    direction::Direction,
    engine::Engine,
    generic::variance::CrateToken,
    handle::Backing as _,
    mmap::{
        private::MmapBackend,
        Mmap, //
    },
    state::{
        private::State as _,
        Device, //
    },
};
use kernel::{
    bindings,
    prelude::*, //
};

impl<M, T, D, E> MmapBackend for DmaBuffer<'_, M, T, D, Device<E>>
where
    M: StreamingPages,
    D: Direction,
    E: Engine,
{
    type Memory = ToFree<M>;

    fn device(&self, _: CrateToken) -> DmaDevice<'_> {
        self.backing.dev.shorter()
    }

    fn size(&self) -> usize {
        self.backing.size()
    }

    fn stop(&self) -> bool {
        self.state().stop()
    }

    unsafe fn mmap(&self, vma: *mut bindings::vm_area_struct) -> c_int {
        // SAFETY: The caller guarantees that `vma` is under initialisation. By the type invariants the
        // memory is at this place.
        unsafe {
            self.backing
                .memory
                .mmap(&self.backing.alloc_args::<D>(), vma)
        }
    }

    unsafe fn into_memory(self) -> ToFree<M> {
        let (backing, _state) = self.into_parts();
        ToFree(backing.memory, backing.alloc_args::<D>())
    }

    unsafe fn free(memory: ToFree<M>) {
        // SAFETY: The requirements of this function are those of `ToFree::free`.
        unsafe { memory.free() };
    }
}

impl<M, T, D, E> Mmap<DmaBuffer<'_, M, T, D, Device<E>>>
where
    M: StreamingPages,
    D: Direction,
    E: Engine,
{
    /// Makes what the device wrote visible to the processes that have mapped the memory.
    ///
    /// The memory stays the device's, and the kernel does not access it. While the device writes, a
    /// process may read old or new data.
    ///
    /// C API: `dma_sync_single_for_cpu()`, `dma_sync_sgtable_for_cpu()`. Context: any.
    #[inline]
    pub fn sync_for_cpu(&self) {
        // SAFETY: It is mapped in direction `D`. In this state the kernel has no reference to it.
        unsafe { self.backing.sync_for_cpu::<D>() };
    }

    /// Makes what the processes wrote visible to the device.
    ///
    /// C API: `dma_sync_single_for_device()`, `dma_sync_sgtable_for_device()`. Context: any.
    #[inline]
    pub fn sync_for_device(&self) {
        // SAFETY: It is mapped in direction `D`. In this state the kernel has no reference to it.
        unsafe { self.backing.sync_for_device::<D>() };
    }
}
