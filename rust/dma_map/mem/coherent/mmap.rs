// SPDX-License-Identifier: GPL-2.0

//! Coherent memory, as [`Mmap`] takes it.

use super::{
    memory::Memory,
    DmaCoherent, //
};
use crate::{
    device::DmaDevice,
    engine::Engine,
    generic::variance::Inside,
    mmap::{
        private::Backend,
        Mmap, //
    },
    state::{
        Shared,
        State, //
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

impl<T: KnownSize + ?Sized, E: Engine> Backend for DmaCoherent<'_, T, Shared<E>> {
    type Memory = Memory;

    fn device(&self, _: Inside) -> DmaDevice<'_> {
        self.dev.shorter()
    }

    fn size(&self) -> usize {
        DmaCoherent::size(self)
    }

    fn stop(&self) -> bool {
        self.state.stop()
    }

    unsafe fn mmap(&self, vma: *mut bindings::vm_area_struct) -> c_int {
        // SAFETY: By the safety requirements of this function; by the type invariants these are
        // the arguments of the allocation.
        unsafe {
            bindings::dma_mmap_attrs(
                self.dev.as_raw(),
                vma,
                self.cpu.as_ptr().cast(),
                self.dma,
                DmaCoherent::size(self),
                self.attrs,
            )
        }
    }

    unsafe fn into_memory(self) -> Memory {
        // SAFETY: The handle is given up below.
        let memory = unsafe { self.memory() };
        self.forget();
        memory
    }

    unsafe fn free(memory: Memory) {
        // SAFETY: By the safety requirements of this function.
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
