// SPDX-License-Identifier: GPL-2.0

//! User space mappings of coherent memory: the backend of [`Mmap`].

use super::{
    memory::CoherentAlloc,
    DmaCoherent, //
};
use crate::{
    device::DmaDevice,
    engine::Engine,
    generic::variance::CrateToken,
    handle::Backing as _,
    mmap::{
        private::MmapBackend,
        Mmap, //
    },
    state::{
        private::State as _,
        Shared, //
    },
    view::{
        CoherentBackend,
        CoherentView, //
    },
};
use kernel::{
    bindings,
    io::IoBase,
    prelude::*,
    ptr::KnownSize, //
};
use zerocopy::{
    FromBytes,
    IntoBytes, //
};

impl<T: KnownSize + ?Sized, E: Engine> MmapBackend for DmaCoherent<'_, T, Shared<E>> {
    type Memory = CoherentAlloc;

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
        let memory = &self.backing;

        // SAFETY: The caller guarantees that `vma` is under initialisation. By the type invariants the
        // others are the arguments of the allocation.
        unsafe {
            bindings::dma_mmap_attrs(
                memory.dev.as_raw(),
                vma,
                memory.cpu.as_ptr().cast(),
                memory.dma,
                memory.size(),
                memory.attrs,
            )
        }
    }

    unsafe fn into_memory(self) -> CoherentAlloc {
        let (backing, _state) = self.into_parts();

        // SAFETY: `backing` is not used again.
        unsafe { backing.memory() }
    }

    unsafe fn free(memory: CoherentAlloc) {
        // SAFETY: The requirements of this function are those of `CoherentAlloc::free`.
        unsafe { memory.free() };
    }
}

impl<'a, T, E> IoBase<'a> for &'a Mmap<DmaCoherent<'_, T, Shared<E>>>
where
    T: FromBytes + IntoBytes + KnownSize + ?Sized,
    E: Engine,
{
    type Backend = CoherentBackend;
    type Target = T;

    #[inline]
    fn as_view(self) -> CoherentView<'a, T> {
        self.view()
    }
}
