// SPDX-License-Identifier: GPL-2.0

//! Memory that is allocated for streaming: reachable by the device, cached by the CPU.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)
//!
//! Coherent memory is uncached for a device whose DMA is not coherent with the caches, which makes
//! the CPU slow; a streaming mapping of any memory may have to be bounced, which copies. Memory
//! from here is neither: it is allocated where the device reaches it, mapped for as long as it
//! lives, and handed over by syncs.
//!
//! - [`DmaPages`]: contiguous pages (`dma_alloc_pages()`).
//! - [`DmaNoncontiguous`]: pages from anywhere, which an IOMMU makes contiguous for the device and a
//!   `vmap()` for the CPU (`dma_alloc_noncontiguous()`); contiguous pages where there is no IOMMU.

mod memory;
mod mmap;

pub use self::memory::{
    ContiguousPages,
    Free,
    Memory,
    NoncontiguousPages, //
};

use self::memory::{
    Allocation,
    Place, //
};
use crate::{
    device::DmaDevice,
    direction::{
        assert_no_destructor,
        Carries,
        CpuReads,
        CpuWrites,
        Direction, //
    },
    engine::{
        self,
        Engine, //
    },
    error::Busy,
    gfp::Gfp,
    state::{
        Cpu,
        Device,
        State, //
    },
    sys::{
        deferral,
        ffi, //
    },
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::{
    dma::DmaAddress,
    page::PAGE_SIZE,
    prelude::*, //
};
use zerocopy::{
    FromBytes,
    IntoBytes, //
};

/// Contiguous pages for streaming.
pub type DmaPages<'bound, T, D, S = Cpu> = DmaBuffer<'bound, ContiguousPages, T, D, S>;

/// Pages for streaming that are contiguous for the device and for the CPU, and need not be in
/// physical memory.
pub type DmaNoncontiguous<'bound, T, D, S = Cpu> = DmaBuffer<'bound, NoncontiguousPages, T, D, S>;

/// Elements in memory that was allocated for streaming; freed on drop.
///
/// It starts zeroed and in the [`Cpu`] state, where accessors follow the direction.
/// [`give`](DmaBuffer::give) syncs it and hands it to the device: there is an address then, and no
/// accessor. [`complete`](DmaBuffer::complete) and [`cancel`](DmaBuffer::cancel) lead back.
///
/// Dropping memory that the device owns asks the engine first: a device that is busy is stopped,
/// and if it can't be stopped, the memory is quarantined (see [`Engine::quiesce`]).
///
/// Drop context: any; where the memory may not be freed, that is put off to a workqueue.
///
/// # Invariants
///
/// - `memory` is an allocation for `dev` with the size of the elements, in direction `D`, which
///   this handle owns. `cpu` is where the CPU finds it: aligned, initialised, of `len` elements.
/// - In the [`Cpu`] state it is synced for the CPU, and the device does not access it.
/// - In the [`Device`] state it is synced for the device.
///
/// # Examples
///
/// ```ignore
/// # const ADDRESS: usize = 0x10;
/// # const LENGTH: usize = 0x18;
/// # let data = [0; 2048];
/// let mut packet = DmaPages::<u8, _>::alloc(dma, 2048, ToDevice, Gfp::Kernel)?;
/// packet.as_mut_slice().copy_from_slice(&data);
///
/// let packet = packet.give(engine);
/// regs.try_write64(packet.dma_address(), ADDRESS)?;
/// regs.try_write32(packet.size().try_into()?, LENGTH)?;
/// // ... when the device is done:
/// let packet = packet.complete()?;
/// ```
pub struct DmaBuffer<'bound, M: Memory, T, D: Direction, S: State = Cpu> {
    dev: DmaDevice<'bound>,
    memory: M,
    cpu: NonNull<[T]>,
    state: S,
    _direction: PhantomData<D>,
}

/// Checks a number of elements against what the device takes as one segment.
///
/// # Errors
///
/// - `EINVAL`: no elements, or too many bytes.
/// - `ENOMEM`: more than the machine has.
fn size_of_elements<T>(dev: DmaDevice<'_>, len: usize) -> Result<usize> {
    const {
        assert!(size_of::<T>() > 0, "DMA memory for a type without size");
        assert!(align_of::<T>() <= PAGE_SIZE, "alignment beyond a page");
        assert_no_destructor::<T>();
    };

    let size = len.checked_mul(size_of::<T>()).ok_or(EINVAL)?;
    // The memory is one segment, of whole pages, wherever the allocator finds it.
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

impl<'bound, T, D> DmaBuffer<'bound, ContiguousPages, T, D, Cpu>
where
    T: FromBytes + IntoBytes,
    D: Carries<T>,
{
    /// Allocates `len` elements of zeroes, in contiguous pages.
    ///
    /// C API: `dma_alloc_pages()`. Context: may sleep with [`Gfp::Kernel`], any otherwise.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: `len` is 0, or the size in whole pages is beyond the device's
    ///   [`max_segment_size`](DmaDevice::max_segment_size) or its
    ///   [`segment_boundary`](DmaDevice::segment_boundary), or it overflows.
    /// - `ENOMEM`: there is no memory; always for more than the kernel's largest page order.
    /// - `EIO`: the memory that was found crosses a segment boundary, or is beyond the mask for
    ///   streaming memory, where that is the smaller one; or the IOMMU does not have so many addresses.
    pub fn alloc(dev: DmaDevice<'bound>, len: usize, direction: D, gfp: Gfp) -> Result<Self> {
        let _ = direction;
        let size = size_of_elements::<T>(dev, len)?;

        Self::of(dev, len, ContiguousPages::alloc::<D>(dev, size, gfp)?)
    }
}

impl<'bound, T, D> DmaBuffer<'bound, NoncontiguousPages, T, D, Cpu>
where
    T: FromBytes + IntoBytes,
    D: Carries<T>,
{
    /// Allocates `len` elements of zeroes, in pages that need not be contiguous.
    ///
    /// There is no choice of [`Gfp`]: the C API sleeps.
    ///
    /// C API: `dma_alloc_noncontiguous()`, `dma_vmap_noncontiguous()`. Context: may sleep.
    ///
    /// # Errors
    ///
    /// Those of [`DmaPages::alloc`](DmaBuffer::alloc). Behind an IOMMU there is no limit by page
    /// order.
    pub fn alloc(dev: DmaDevice<'bound>, len: usize, direction: D) -> Result<Self> {
        let _ = direction;
        let size = size_of_elements::<T>(dev, len)?;

        Self::of(dev, len, NoncontiguousPages::alloc::<D>(dev, size)?)
    }
}

impl<'bound, M: Memory, T, D: Direction> DmaBuffer<'bound, M, T, D, Cpu> {
    /// Makes a handle of `memory`, which was allocated with the size of `len` elements of zeroes.
    fn of(dev: DmaDevice<'bound>, len: usize, memory: Allocation<M>) -> Result<Self> {
        let Allocation { memory, cpu, size } = memory;
        // INVARIANT: Allocated and zeroed by the caller, page-aligned. No device knows the address.
        let this = Self {
            dev,
            memory,
            cpu: NonNull::slice_from_raw_parts(cpu.cast(), len),
            state: Cpu::new(),
            _direction: PhantomData,
        };

        // CMA aligns less than the page allocator and an IOMMU do, and the C functions go by the mask
        // for coherent memory.
        if !dev.takes_address(this.memory.dma_address(), size) {
            return Err(EIO);
        }
        Ok(this)
    }

    /// Syncs the memory and gives it to the device behind `engine`.
    ///
    /// C API: `dma_sync_single_for_device()`, `dma_sync_sgtable_for_device()`. Context: any.
    #[inline]
    pub fn give<E: Engine>(self, engine: E) -> DmaBuffer<'bound, M, T, D, Device<E>> {
        self.sync_for_device();

        // INVARIANT: Synced above.
        self.into_state(|_| Device::new(engine))
    }

    /// Returns the elements that the device wrote.
    #[inline]
    pub fn as_slice(&self) -> &[T]
    where
        D: CpuReads,
    {
        // SAFETY: By the type invariants the memory is valid, initialised and the CPU's.
        unsafe { self.cpu.as_ref() }
    }

    /// Returns the elements, to be written for the device.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [T]
    where
        D: CpuWrites,
    {
        // SAFETY: By the type invariants the memory is valid, initialised and the CPU's.
        unsafe { self.cpu.as_mut() }
    }
}

impl<'bound, M: Memory, T, D: Direction, E: Engine> DmaBuffer<'bound, M, T, D, Device<E>> {
    /// Returns the address at which the device reaches the memory.
    ///
    /// All elements are at the addresses from here on, contiguously: one segment within the
    /// device's limits. Context: any.
    #[inline]
    pub fn dma_address(&self) -> DmaAddress {
        self.memory.dma_address()
    }

    /// Takes the memory back for the CPU when the device is done, and syncs it.
    ///
    /// C API: `dma_sync_single_for_cpu()`, `dma_sync_sgtable_for_cpu()`. Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the memory if the engine is not idle.
    pub fn complete(self) -> Result<DmaBuffer<'bound, M, T, D, Cpu>, Busy<Self>> {
        if engine::is_idle(&self.state.0) {
            // SAFETY: The engine is idle.
            Ok(unsafe { self.into_cpu() })
        } else {
            Err(Busy(self))
        }
    }

    /// Takes the memory back for the CPU, stopping the device if it is not done.
    ///
    /// C API, context: as [`complete`](Self::complete).
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the memory if the device cannot be stopped.
    pub fn cancel(self) -> Result<DmaBuffer<'bound, M, T, D, Cpu>, Busy<Self>> {
        if self.state.stop() {
            // SAFETY: The engine is stopped.
            Ok(unsafe { self.into_cpu() })
        } else {
            Err(Busy(self))
        }
    }

    /// What the transition is asked of.
    #[inline]
    pub(crate) fn engine(&self) -> &E {
        &self.state.0
    }

    /// The transition to the CPU.
    ///
    /// # Safety
    ///
    /// The engine must be idle, or must have been stopped since it was told of this memory.
    pub(crate) unsafe fn into_cpu(self) -> DmaBuffer<'bound, M, T, D, Cpu> {
        self.sync_for_cpu();

        // INVARIANT: The caller has seen that the device is done; synced above.
        self.into_state(|_| Cpu::new())
    }
}

impl<'bound, M: Memory, T, D: Direction, S: State> DmaBuffer<'bound, M, T, D, S> {
    /// Returns the size of the memory in bytes.
    #[inline]
    pub fn size(&self) -> usize {
        // Overflow was ruled out before the allocation.
        self.cpu.len().wrapping_mul(size_of::<T>())
    }

    /// Returns the number of elements.
    #[inline]
    #[expect(
        clippy::len_without_is_empty,
        reason = "never empty, by the invariants"
    )]
    pub fn len(&self) -> usize {
        self.cpu.len()
    }

    /// Returns the device that the memory was allocated for.
    #[inline]
    pub fn device(&self) -> DmaDevice<'bound> {
        self.dev
    }

    #[inline]
    fn place(&self) -> Place<'_> {
        Place::new::<D>(self.dev, self.cpu.cast(), self.size())
    }

    #[inline]
    pub(crate) fn sync_for_device(&self) {
        // SAFETY: By the type invariants `dev` is bound, and the memory is allocated at this place.
        unsafe {
            if ffi::need_sync(self.dev.as_raw()) {
                self.memory.sync_for_device(&self.place());
            }
        }
    }

    #[inline]
    pub(crate) fn sync_for_cpu(&self) {
        // SAFETY: As in `sync_for_device`.
        unsafe {
            if ffi::need_sync(self.dev.as_raw()) {
                self.memory.sync_for_cpu(&self.place());
            }
        }
    }

    /// Gives up the handle, without freeing.
    fn forget(self) {
        let mut this = ManuallyDrop::new(self);

        // SAFETY: `this` is not dropped and not used again.
        unsafe { core::ptr::drop_in_place(&mut this.state) };
    }

    /// Changes the state.
    #[inline]
    fn into_state<N: State>(self, change: impl FnOnce(S) -> N) -> DmaBuffer<'bound, M, T, D, N> {
        let this = ManuallyDrop::new(self);

        DmaBuffer {
            dev: this.dev,
            memory: this.memory,
            cpu: this.cpu,
            // SAFETY: `this` is not dropped and not used again, so the state is moved out once.
            state: change(unsafe { core::ptr::read(&this.state) }),
            _direction: PhantomData,
        }
    }
}

impl<M: Memory, T, D: Direction, S: State> Drop for DmaBuffer<'_, M, T, D, S> {
    fn drop(&mut self) {
        let size = self.size();

        if !self.state.stop() {
            self.dev.quarantine(size);
            return;
        }

        let memory = Free::new(self.memory, &self.place());
        if ffi::may_sleep() {
            // SAFETY: By the type invariants this is our allocation. The device does not access it
            // any more, nobody else has it, this context may sleep, and `dev` is bound.
            unsafe { memory.free() };
            return;
        }

        // SAFETY: As above; the device is bound until the closure has run, where it may sleep.
        if !unsafe { deferral::defer(Some(self.dev), move || memory.free()) } {
            self.dev.quarantine(size);
        }
    }
}

// SAFETY: The handle owns the memory, which any thread may use and free.
unsafe impl<M: Memory, T: Send, D: Direction, S: State + Send> Send for DmaBuffer<'_, M, T, D, S> {}

// SAFETY: A shared handle gives `&T` in the `Cpu` state, which is sound for `T: Sync`, and an
// address in the other.
unsafe impl<M: Memory, T: Sync, D: Direction, S: State + Sync> Sync for DmaBuffer<'_, M, T, D, S> {}
