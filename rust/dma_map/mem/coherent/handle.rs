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
    direction::{
        Bidirectional,
        Direction, //
    },
    engine::Engine,
    handle::{
        Backing,
        Dma,
        One,
        OneAddress, //
    },
    state::{
        Lasting,
        Shared,
        State, //
    },
};
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
/// Dropping it stops the device first; see [`Dma`].
///
/// C API: `dma_alloc_attrs()`, `dma_free_attrs()`. Drop context: any.
///
/// # Examples
///
/// ```ignore
/// # const FIRMWARE_HEAP: usize = 0x10;
/// let heap = CoherentHandle::alloc(dma, 64 * 1024, engine, Gfp::Kernel)?;
/// regs.try_write64(heap.dma_address(), FIRMWARE_HEAP)?;
/// ```
pub type CoherentHandle<'bound, E> = Dma<NoKernelMapping<'bound>, Bidirectional, Lasting<E>>;

/// Coherent memory without a mapping in the kernel.
///
/// # Invariants
///
/// `memory` was allocated for `dev`. Its pointer for the CPU is a cookie: to memory, or to a `struct page`,
/// or to something else.
pub struct NoKernelMapping<'bound> {
    dev: DmaDevice<'bound>,
    memory: Memory,
}

// SAFETY: The memory stays where it is until it is freed.
unsafe impl<'bound> Backing for NoKernelMapping<'bound> {
    type Device = DmaDevice<'bound>;
    // Nobody gives it: it is not the CPU's.
    type Given<E: Engine> = Shared<E>;
    type Shape = One;

    #[inline]
    fn device(&self) -> DmaDevice<'bound> {
        self.dev
    }

    #[inline]
    fn size(&self) -> usize {
        self.memory.size()
    }

    #[inline]
    unsafe fn release<D: Direction, S: State>(self) {
        // SAFETY: By the type invariants this is our allocation, and the device does not access it
        // any more.
        unsafe { self.memory.free_anywhere(self.dev) };
    }
}

// SAFETY: By the type invariants; the C function allocates what is contiguous, and not nothing.
unsafe impl OneAddress for NoKernelMapping<'_> {
    #[inline]
    fn dma_address(&self) -> DmaAddress {
        self.memory.dma()
    }
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

        // SAFETY: Allocated above.
        let memory = unsafe { Memory::from_parts(dev, size, cpu.as_ptr(), dma, options.attrs()) };
        // INVARIANT: As above.
        let backing = NoKernelMapping { dev, memory };
        // SAFETY: Allocated for this device.
        Ok(unsafe { Self::in_device(backing, engine) })
    }
}
