// SPDX-License-Identifier: GPL-2.0

//! Coherent memory that the CPU does not access.

use super::{
    memory::{
        alloc,
        Large,
        Memory,
        Plain,
        Size, //
    },
    CoherentOptions, //
};
use crate::{
    device::DmaDevice,
    engine::{
        self,
        Engine, //
    },
    generic::variance::InvariantIn, //
};
use core::marker::PhantomData;
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// Memory for the device alone, without a mapping in the kernel (`DMA_ATTR_NO_KERNEL_MAPPING`).
///
/// For what only hardware reads and writes: a firmware's heap, a frame buffer that is never drawn
/// to. There is an address for the device, and nothing else: what C gets in place of a pointer is
/// not one, and does not leave this type.
///
/// The memory is *not* zeroed, since there is nothing to zero it through: the device finds in it
/// what was there before. A device that is not trusted with that gets a
/// [`DmaCoherent`](super::DmaCoherent).
///
/// Dropping it asks the engine first, as for every handle that a device can reach.
///
/// C API: `dma_alloc_attrs()`, `dma_free_attrs()`. Drop context: any.
///
/// # Invariants
///
/// `cpu`, `dma`, `size` and `attrs` are those of one allocation for `dev`, which this handle owns.
///
/// # Examples
///
/// ```ignore
/// # const FIRMWARE_HEAP: usize = 0x10;
/// let heap = CoherentHandle::alloc(dma, 64 * 1024, engine, Gfp::Kernel)?;
/// regs.try_write64(heap.dma_address(), FIRMWARE_HEAP)?;
/// ```
pub struct CoherentHandle<'bound, E: Engine> {
    dev: DmaDevice<'bound>,
    /// A cookie: a pointer to memory, or to a `struct page`, or to something else.
    cpu: *mut c_void,
    dma: DmaAddress,
    size: usize,
    attrs: c_ulong,
    engine: E,
    _engine: InvariantIn<E>,
}

impl<'bound, E: Engine> CoherentHandle<'bound, E> {
    /// Allocates `size` bytes for the device behind `engine`.
    ///
    /// Context: may sleep with [`Gfp::Kernel`](crate::Gfp::Kernel), any otherwise.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: `size` is 0, or 128 KiB or more.
    /// - Those of [`DmaCoherent::zeroed`](super::DmaCoherent::zeroed).
    #[inline]
    pub fn alloc(
        dev: DmaDevice<'bound>,
        size: usize,
        engine: E,
        options: impl Into<CoherentOptions>,
    ) -> Result<Self> {
        Self::alloc_sized::<Plain>(dev, size, engine, options.into())
    }

    /// Allocates `size` bytes, of any size.
    ///
    /// See [`DmaCoherent::zeroed_large`](super::DmaCoherent::zeroed_large) for what that depends
    /// on.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: `size` is 0.
    /// - Those of [`DmaCoherent::zeroed`](super::DmaCoherent::zeroed).
    #[inline]
    pub fn alloc_large(
        dev: DmaDevice<'bound>,
        size: usize,
        engine: E,
        options: impl Into<CoherentOptions>,
    ) -> Result<Self> {
        Self::alloc_sized::<Large>(dev, size, engine, options.into())
    }

    fn alloc_sized<Z: Size>(
        dev: DmaDevice<'bound>,
        size: usize,
        engine: E,
        options: CoherentOptions,
    ) -> Result<Self> {
        let options = options.no_kernel_mapping();
        let (cpu, dma) = alloc::<Z>(dev, size, options)?;

        // INVARIANT: Allocated above.
        Ok(Self {
            dev,
            cpu: cpu.as_ptr(),
            dma,
            size,
            attrs: options.attrs(),
            engine,
            _engine: PhantomData,
        })
    }

    /// Returns the address at which the device reaches the memory, contiguously.
    ///
    /// Context: any.
    #[inline]
    pub fn dma_address(&self) -> DmaAddress {
        self.dma
    }

    /// Who is asked before the memory is freed.
    #[inline]
    pub(crate) fn engine(&self) -> &E {
        &self.engine
    }

    /// Returns the size of the memory in bytes.
    #[inline]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Returns the device that the memory was allocated for.
    #[inline]
    pub fn device(&self) -> DmaDevice<'bound> {
        self.dev
    }
}

impl<E: Engine> Drop for CoherentHandle<'_, E> {
    #[inline]
    fn drop(&mut self) {
        if !engine::stop(&self.engine) {
            self.dev.quarantine(self.size);
            return;
        }

        // SAFETY: By the type invariants this is our allocation, and the device does not access it
        // any more.
        unsafe {
            Memory::from_parts(self.dev, self.size, self.cpu, self.dma, self.attrs)
                .free_anywhere(self.dev)
        };
    }
}

// SAFETY: The handle owns the memory, which any thread may free.
unsafe impl<E: Engine + Send> Send for CoherentHandle<'_, E> {}

// SAFETY: A shared handle gives an address and a size.
unsafe impl<E: Engine + Sync> Sync for CoherentHandle<'_, E> {}
