// SPDX-License-Identifier: GPL-2.0

//! Pages that are allocated for streaming: reachable by the device, cached by the CPU.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)
//!
//! Coherent memory is uncached for a device whose DMA is not coherent with the caches, so CPU accesses
//! are slow. A streaming mapping of arbitrary memory may need a bounce buffer, which copies. The memory
//! of this module has neither cost: it is allocated where the device reaches it, stays mapped as long as
//! it lives, and changes hands by syncs.
//!
//! - [`DmaPages`]: contiguous pages (`dma_alloc_pages()`).
//! - [`DmaNoncontiguous`]: arbitrary pages (`dma_alloc_noncontiguous()`), which an IOMMU makes
//!   contiguous for the device and a `vmap()` for the CPU. Without an IOMMU the pages are contiguous.

pub(super) mod memory;

pub use self::memory::{
    ContiguousPages,
    NoncontiguousPages,
    StreamingPages, //
};

use self::memory::AllocArgs;
use super::{
    deferred,
    mmap::{
        private::MmapBacking,
        Mmap, //
    }, //
};
use crate::{
    device::{
        counts::Kind,
        DmaDevice, //
    },
    direction::{
        assert_no_destructor,
        Carries,
        CpuReads,
        CpuWrites,
        Direction, //
    },
    engine::Engine,
    gfp::Gfp,
    handle::{
        Backing,
        Dma,
        ForCpu,
        ForDevice,
        One,
        OneAddress,
        Receiver, //
    },
    state::{
        Cpu,
        Device,
        State, //
    },
    sys::{
        ffi,
        leak_tracking::Entry, //
    },
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    dma::DmaAddress,
    page::PAGE_SIZE,
    prelude::*, //
};
use zerocopy::{
    FromBytes,
    IntoBytes, //
};

/// Elements in contiguous pages that were allocated for streaming. Freed on drop.
///
/// The memory is zeroed. A new handle is in the [`Cpu`] state, where the direction decides which
/// accessors exist. [`give`](Dma::give) syncs the memory and hands it to the device: the handle then has
/// a DMA address, and no accessor. [`complete`](Dma::complete) and [`cancel`](Dma::cancel) return it to
/// the `Cpu` state.
///
/// Dropping memory that the device owns stops the device first; see [`Dma`].
///
/// # Examples
///
/// ```ignore,run
/// # const ADDRESS: usize = 0x10;
/// # const LENGTH: usize = 0x18;
/// # let data = [0x5a; 2048];
/// let mut packet = DmaPages::<u8, _>::alloc(dma, 2048, ToDevice, Gfp::Kernel)?;
/// packet.as_mut_slice().copy_from_slice(&data);
///
/// let packet = packet.give(engine);
/// regs.try_write64(packet.dma_address(), ADDRESS)?;
/// regs.try_write32(packet.size().try_into()?, LENGTH)?;
/// // ... when the device is done:
/// let packet = packet.complete()?;
/// # let mut packet = packet;
/// # check(packet.as_mut_slice() == &data[..])?;
/// ```
pub type DmaPages<'bound, T, D, S = Cpu> = DmaBuffer<'bound, ContiguousPages, T, D, S>;

/// Elements in pages that are contiguous for the device and for the CPU, but not necessarily in physical
/// memory. Otherwise like [`DmaPages`].
pub type DmaNoncontiguous<'bound, T, D, S = Cpu> = DmaBuffer<'bound, NoncontiguousPages, T, D, S>;

/// [`DmaPages`] or [`DmaNoncontiguous`].
pub type DmaBuffer<'bound, M, T, D, S = Cpu> = Dma<Allocated<'bound, M, T>, D, S>;

/// The backing of [`DmaPages`] and [`DmaNoncontiguous`].
///
/// # Invariants
///
/// `memory` is an allocation for `dev` with the size of the elements, which this value owns. `cpu` is
/// its address for the CPU: aligned, initialised, and valid for `len` elements, at least one.
pub struct Allocated<'bound, M: StreamingPages, T> {
    dev: DmaDevice<'bound>,
    memory: M,
    cpu: NonNull<[T]>,
}

impl<M: StreamingPages, T> Allocated<'_, M, T> {
    #[inline]
    fn alloc_args<D: Direction>(&self) -> AllocArgs {
        AllocArgs {
            dev: self.dev.as_raw(),
            cpu: self.cpu.cast(),
            size: self.size(),
            direction: D::RAW,
        }
    }
}

// SAFETY: The memory does not move before it is freed.
unsafe impl<'bound, M: StreamingPages, T> Backing for Allocated<'bound, M, T> {
    type Device = DmaDevice<'bound>;
    type Given<E: Engine> = Device<E>;
    type Shape = One;
    const KIND: Kind = M::KIND;

    #[inline]
    fn device(&self) -> DmaDevice<'bound> {
        self.dev
    }

    #[inline]
    fn size(&self) -> usize {
        // Overflow was ruled out before the allocation.
        self.cpu.len().wrapping_mul(size_of::<T>())
    }

    #[inline]
    unsafe fn sync<D: Direction, R: Receiver>(&self) {
        // SAFETY: By the type invariants the memory is at this place, and `dev` is bound.
        unsafe {
            if ffi::need_sync(self.dev.as_raw()) {
                self.memory.sync::<R>(&self.alloc_args::<D>());
            }
        }
    }

    unsafe fn release<D: Direction, S: State>(self) {
        // SAFETY: By the type invariants `self` owns this allocation of `dev`. The caller guarantees that
        // the device does not access it any more.
        unsafe { deferred::free(self.dev, self.size(), self.memory::<D>()) };
    }
}

impl<M: StreamingPages, T> MmapBacking for Allocated<'_, M, T> {
    fn bound(&self) -> DmaDevice<'_> {
        self.dev.shorter()
    }

    unsafe fn mmap<D: Direction>(&self, vma: *mut bindings::vm_area_struct) -> c_int {
        // SAFETY: The caller guarantees that `vma` is under initialisation. By the type invariants the
        // memory is at this place.
        unsafe { self.memory.mmap(&self.alloc_args::<D>(), vma) }
    }

    fn memory<D: Direction>(&self) -> Entry {
        self.memory.entry(&self.alloc_args::<D>())
    }
}

// SAFETY: By the type invariants there is an element, and the C functions allocate one segment.
unsafe impl<M: StreamingPages, T> OneAddress for Allocated<'_, M, T> {
    #[inline]
    fn dma_address(&self) -> DmaAddress {
        self.memory.dma_address()
    }
}

// SAFETY: The value owns the memory. Any thread may use it and free it.
unsafe impl<M: StreamingPages, T: Send> Send for Allocated<'_, M, T> {}

// SAFETY: In the `Cpu` state a shared reference gives `&T`, which is sound for `T: Sync`. In the other
// states it gives an address.
unsafe impl<M: StreamingPages, T: Sync> Sync for Allocated<'_, M, T> {}

/// Checks a number of elements against the device's limits of a segment. Returns the size in bytes.
///
/// # Errors
///
/// - `EINVAL`: no elements, or too many bytes.
/// - `ENOMEM`: the size is more than the machine has.
fn size_of_elements<T>(dev: DmaDevice<'_>, len: usize) -> Result<usize> {
    const {
        assert!(size_of::<T>() > 0, "DMA memory for a type without size");
        assert!(align_of::<T>() <= PAGE_SIZE, "alignment beyond a page");
        assert_no_destructor::<T>();
    };

    let size = len.checked_mul(size_of::<T>()).ok_or(EINVAL)?;
    // The memory is one segment of whole pages, wherever the allocator places it.
    let pages = size.checked_next_multiple_of(PAGE_SIZE).ok_or(EINVAL)? as u64;
    if size == 0
        || pages > dev.max_segment_size().into()
        || pages.wrapping_sub(1) > dev.segment_boundary()
    {
        return Err(EINVAL);
    }
    if size.div_ceil(PAGE_SIZE) > ffi::total_pages() {
        return Err(ENOMEM);
    }
    Ok(size)
}

impl<'bound, T, D> DmaPages<'bound, T, D, Cpu>
where
    T: FromBytes + IntoBytes,
    D: Carries<T>,
{
    /// Allocates `len` zeroed elements in contiguous pages.
    ///
    /// C API: `dma_alloc_pages()`. Context: may sleep with [`Gfp::Kernel`], any otherwise.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: `len` is 0, or the size overflows, or the size in whole pages is beyond the device's
    ///   [`max_segment_size`](DmaDevice::max_segment_size) or
    ///   [`segment_boundary`](DmaDevice::segment_boundary).
    /// - `ENOMEM`: no memory is left. Always for more than the kernel's largest page order.
    /// - `EIO`: the allocated memory crosses a segment boundary, or is beyond the mask for streaming
    ///   memory, where that is the smaller one; or the size is more than the IOMMU has addresses for.
    pub fn alloc(dev: DmaDevice<'bound>, len: usize, direction: D, gfp: Gfp) -> Result<Self> {
        let _ = direction;
        let size = size_of_elements::<T>(dev, len)?;

        Self::allocated(dev, len, ContiguousPages::alloc(dev, size, D::RAW, gfp)?)
    }
}

impl<'bound, T, D> DmaNoncontiguous<'bound, T, D, Cpu>
where
    T: FromBytes + IntoBytes,
    D: Carries<T>,
{
    /// Allocates `len` zeroed elements in pages that need not be contiguous.
    ///
    /// There is no [`Gfp`] argument, because the C API sleeps.
    ///
    /// C API: `dma_alloc_noncontiguous()`, `dma_vmap_noncontiguous()`. Context: may sleep.
    ///
    /// # Errors
    ///
    /// Those of [`DmaPages::alloc`]. Behind an IOMMU the page order is no limit.
    pub fn alloc(dev: DmaDevice<'bound>, len: usize, direction: D) -> Result<Self> {
        let _ = direction;
        let size = size_of_elements::<T>(dev, len)?;

        Self::allocated(dev, len, NoncontiguousPages::alloc::<D>(dev, size)?)
    }
}

impl<'bound, M: StreamingPages, T, D: Direction> DmaBuffer<'bound, M, T, D, Cpu> {
    /// Makes a handle of `memory`, which was allocated with the size of `len` elements, and zeroed.
    fn allocated(
        dev: DmaDevice<'bound>,
        len: usize,
        (memory, AllocArgs { cpu, size, .. }): (M, AllocArgs),
    ) -> Result<Self> {
        // Whole pages: `size_of_elements` has ruled out an overflow.
        let size = size.wrapping_add(PAGE_SIZE - 1) & !(PAGE_SIZE - 1);
        // INVARIANT: The caller allocated and zeroed `len` elements for `dev`, page-aligned.
        let backing = Allocated {
            dev,
            memory,
            cpu: NonNull::slice_from_raw_parts(cpu.cast(), len),
        };
        // SAFETY: Zeroed memory is in sync for the CPU, and no device knows the address.
        let this = unsafe { Self::in_cpu(backing) }.counted();

        // CMA aligns to less than the other allocators, and the C functions check the coherent mask.
        if !dev.takes_address(this.backing.dma_address(), size) {
            return Err(EIO);
        }
        Ok(this)
    }

    /// Returns the elements that the device wrote.
    #[inline]
    pub fn as_slice(&self) -> &[T]
    where
        D: CpuReads,
    {
        // SAFETY: By the type invariants the memory is valid, initialised and the CPU's.
        unsafe { self.backing.cpu.as_ref() }
    }

    /// Returns the elements, to write them for the device.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [T]
    where
        D: CpuWrites,
    {
        // SAFETY: By the type invariants the memory is valid, initialised and the CPU's.
        unsafe { self.backing.cpu.as_mut() }
    }
}

impl<M: StreamingPages, T, D: Direction, S: State> DmaBuffer<'_, M, T, D, S> {
    /// Returns the number of elements.
    #[inline]
    #[expect(
        clippy::len_without_is_empty,
        reason = "never empty, by the invariants"
    )]
    pub fn len(&self) -> usize {
        self.backing.cpu.len()
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
        unsafe { self.backing.sync::<D, ForCpu>() };
    }

    /// Makes what the processes wrote visible to the device.
    ///
    /// C API: `dma_sync_single_for_device()`, `dma_sync_sgtable_for_device()`. Context: any.
    #[inline]
    pub fn sync_for_device(&self) {
        // SAFETY: It is mapped in direction `D`. In this state the kernel has no reference to it.
        unsafe { self.backing.sync::<D, ForDevice>() };
    }
}
