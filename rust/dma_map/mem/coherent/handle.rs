// SPDX-License-Identifier: GPL-2.0

//! Coherent memory that the CPU does not access.

use super::{
    memory::{
        self,
        alloc,
        LARGE,
        PLAIN, //
    },
    CoherentOptions, //
};
use crate::{
    device::{
        counts::Kind,
        DmaDevice, //
    },
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
use core::ptr::NonNull;
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// Memory for the device alone, without a kernel mapping (`DMA_ATTR_NO_KERNEL_MAPPING`).
///
/// For memory that only hardware reads and writes: a firmware's heap, or a frame buffer that the CPU
/// never draws to. The handle has an address for the device, and nothing else. The value that C returns
/// in place of a pointer is not a pointer, and does not leave this type.
///
/// The memory is *not* zeroed, because the kernel has no mapping to zero it through. The device finds
/// the previous contents of the pages in it. For a device that is not trusted with them, use
/// [`DmaCoherent`](super::DmaCoherent).
///
/// Dropping it stops the device first; see [`Dma`].
///
/// C API: `dma_alloc_attrs()`, `dma_free_attrs()`. Drop context: any.
///
/// # Examples
///
/// ```ignore,run
/// # const FIRMWARE_HEAP: usize = 0x10;
/// let heap = CoherentHandle::alloc(dma, 64 * 1024, engine, Gfp::Kernel)?;
/// regs.try_write64(heap.dma_address(), FIRMWARE_HEAP)?;
/// # check(heap.size() == 64 * 1024 && heap.dma_address() % 4096 == 0)?;
/// ```
pub type CoherentHandle<'bound, E> = Dma<NoKernelMapping<'bound>, Bidirectional, Lasting<E>>;

/// The backing of [`CoherentHandle`]: coherent memory without a kernel mapping.
///
/// # Invariants
///
/// The others are the arguments of one `dma_alloc_attrs()` for `dev`, whose memory this value owns.
/// `cpu` is an opaque cookie: it may point to memory or to a `struct page`, or be something else.
pub struct NoKernelMapping<'bound> {
    dev: DmaDevice<'bound>,
    size: usize,
    cpu: NonNull<c_void>,
    dma: DmaAddress,
    attrs: c_ulong,
}

// SAFETY: The memory does not move before it is freed.
unsafe impl<'bound> Backing for NoKernelMapping<'bound> {
    type Device = DmaDevice<'bound>;
    // Never given: the memory is never in the `Cpu` state.
    type Given<E: Engine> = Shared<E>;
    type Shape = One;
    const KIND: Kind = Kind::COHERENT_HANDLE;

    #[inline]
    fn device(&self) -> DmaDevice<'bound> {
        self.dev
    }

    #[inline]
    fn size(&self) -> usize {
        self.size
    }

    #[inline]
    unsafe fn release<D: Direction, S: State>(self) {
        // SAFETY: By the type invariants `self` owns this allocation of `dev`. By the safety
        // requirements of this function the device does not access it any more.
        unsafe { memory::free(self.dev, self.size, self.cpu.as_ptr(), self.dma, self.attrs) };
    }
}

// SAFETY: By the type invariants `dma` is an allocation of `dma_alloc_attrs()`, which is contiguous for
// the device. It is not empty: `alloc` refuses a size of 0.
unsafe impl OneAddress for NoKernelMapping<'_> {
    #[inline]
    fn dma_address(&self) -> DmaAddress {
        self.dma
    }
}

// SAFETY: Any thread may free coherent memory.
unsafe impl Send for NoKernelMapping<'_> {}

// SAFETY: A shared reference gives only an address and a size.
unsafe impl Sync for NoKernelMapping<'_> {}

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
        Self::alloc_sized::<PLAIN>(dev, size, engine, options.into())
    }

    /// Allocates `size` bytes, of any size.
    ///
    /// See [`DmaCoherent::zeroed_large`](super::DmaCoherent::zeroed_large) for what success depends on.
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
        Self::alloc_sized::<LARGE>(dev, size, engine, options.into())
    }

    fn alloc_sized<const LIMIT: usize>(
        dev: DmaDevice<'bound>,
        size: usize,
        engine: E,
        options: CoherentOptions,
    ) -> Result<Self> {
        let options = options.no_kernel_mapping();
        let (cpu, dma) = alloc::<LIMIT>(dev, size, options)?;

        // INVARIANT: These are the arguments and results of the allocation above.
        let backing = NoKernelMapping {
            dev,
            size,
            cpu,
            dma,
            attrs: options.attrs(),
        };
        // SAFETY: The memory was allocated for this device, and coherent memory needs no sync.
        Ok(unsafe { Self::in_device(backing, engine) }.counted())
    }
}
