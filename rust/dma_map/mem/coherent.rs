// SPDX-License-Identifier: GPL-2.0

//! Coherent memory: memory that CPU and device see alike at all times.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

mod alloc;
mod handle;
pub(crate) mod memory;
mod mmap;
mod options;
mod pages;

pub use self::{
    handle::CoherentHandle,
    options::CoherentOptions,
    pages::{
        PhysicalPages,
        Run, //
    }, //
};

pub use crate::error::Busy;

use self::memory::Memory;
use crate::{
    device::DmaDevice,
    engine::{
        self,
        Engine, //
    },
    state::{
        Cpu,
        Shared,
        State, //
    },
    view::{
        self,
        CoherentBackend,
        CoherentView, //
    },
};
use core::{
    mem::ManuallyDrop,
    ops::{
        Deref,
        DerefMut, //
    },
    ptr::NonNull, //
};
use kernel::{
    dma::DmaAddress,
    io::IoBase,
    prelude::*,
    ptr::KnownSize, //
};
use zerocopy::{
    FromBytes,
    IntoBytes, //
};

/// Coherent memory that holds a `T`, freed on drop.
///
/// It starts in the [`Cpu`] state: the device does not know the address, and the memory is used
/// like a box, by safe references. [`share`](DmaCoherent::share) makes it [`Shared`]: then there is
/// a DMA address, and access is volatile, through the kernel's I/O projections. From there
/// [`reclaim`](DmaCoherent::reclaim) leads back, when the engine is idle.
///
/// Dropping shared memory asks the engine first: a device that is busy is stopped, and if it can't
/// be stopped, the memory is quarantined (see [`Engine::quiesce`]).
///
/// C API: `dma_alloc_attrs()`, `dma_free_attrs()`. Drop context: any; where `dma_free_attrs()` is
/// not legal, the free is put off to a workqueue.
///
/// # Invariants
///
/// - `cpu` points to coherent memory of `dev`, allocated with the size of the `T` behind it and with
///   `attrs`, which this handle owns. It is aligned for `T`, initialised, contiguous in virtual and bus space.
/// - `dma` is the address of the same memory for the device.
/// - In the [`Cpu`] state, no device has been told the address, or every one that has is idle.
///
/// # Examples
///
/// ```ignore
/// # #[repr(C)]
/// # #[derive(FromBytes, IntoBytes)]
/// # struct Descriptor { flags: u32, status: u32 }
/// # const FIRST: u32 = 1;
/// # const RING_BASE: usize = 0x10;
/// let mut ring = DmaCoherent::<[Descriptor]>::zeroed_slice(dma, 64, Gfp::Kernel)?;
/// ring[0].flags = FIRST;
///
/// let ring = ring.share(engine);
/// regs.try_write64(ring.dma_address(), RING_BASE)?;
/// let status = io_read!(&ring, [try: 0].status);
/// ```
pub struct DmaCoherent<'bound, T: KnownSize + ?Sized, S: State = Cpu> {
    dev: DmaDevice<'bound>,
    cpu: NonNull<T>,
    dma: DmaAddress,
    attrs: c_ulong,
    state: S,
}

impl<'bound, T: KnownSize + ?Sized, S: State> DmaCoherent<'bound, T, S> {
    /// Returns the size of the memory in bytes.
    #[inline]
    pub fn size(&self) -> usize {
        // SAFETY: By the type invariants the memory is valid as long as the handle is borrowed.
        unsafe { view::size_of(self.cpu.as_ptr()) }
    }

    /// Returns the device that the memory was allocated for.
    #[inline]
    pub fn device(&self) -> DmaDevice<'bound> {
        self.dev
    }

    /// Names the allocation behind the handle.
    ///
    /// # Safety
    ///
    /// The caller must not use the handle any more.
    #[inline]
    unsafe fn memory(&self) -> Memory {
        // SAFETY: By the type invariants; the caller gives the memory away.
        unsafe {
            Memory::from_parts(
                self.dev,
                self.size(),
                self.cpu.as_ptr().cast(),
                self.dma,
                self.attrs,
            )
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
    fn into_state<N: State>(self, change: impl FnOnce(S) -> N) -> DmaCoherent<'bound, T, N> {
        let this = ManuallyDrop::new(self);

        DmaCoherent {
            dev: this.dev,
            cpu: this.cpu,
            dma: this.dma,
            attrs: this.attrs,
            // SAFETY: `this` is not dropped and not used again, so the state is moved out once.
            state: change(unsafe { core::ptr::read(&this.state) }),
        }
    }
}

impl<T, S: State> DmaCoherent<'_, [T], S> {
    /// Returns the number of elements.
    #[inline]
    #[expect(
        clippy::len_without_is_empty,
        reason = "never empty, by the invariants"
    )]
    pub fn len(&self) -> usize {
        self.cpu.len()
    }
}

impl<'bound, T: KnownSize + ?Sized> DmaCoherent<'bound, T, Cpu> {
    /// Shares the memory with the device behind `engine`.
    ///
    /// Consumes the exclusive handle, so no reference to the memory is left. Context: any.
    #[inline]
    pub fn share<E: Engine>(self, engine: E) -> DmaCoherent<'bound, T, Shared<E>> {
        // INVARIANT: The same memory; the state is not `Cpu`.
        self.into_state(|_| Shared::new(engine))
    }
}

impl<T: KnownSize + ?Sized> Deref for DmaCoherent<'_, T, Cpu> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: By the type invariants the memory is valid and initialised, and no device
        // accesses it.
        unsafe { self.cpu.as_ref() }
    }
}

impl<T: KnownSize + ?Sized> DerefMut for DmaCoherent<'_, T, Cpu> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: By the type invariants the memory is valid and initialised, and no device
        // accesses it.
        unsafe { self.cpu.as_mut() }
    }
}

impl<'bound, T, E> DmaCoherent<'bound, T, Shared<E>>
where
    T: FromBytes + IntoBytes + KnownSize + ?Sized,
    E: Engine,
{
    /// Returns the address at which the device reaches the memory.
    ///
    /// The whole of `T` is at the addresses from here on, contiguously. Context: any.
    #[inline]
    pub fn dma_address(&self) -> DmaAddress {
        self.dma
    }

    /// Returns a view of the memory, for volatile access.
    ///
    /// The handle itself works with the kernel's I/O macros too; a view is `Copy`. Context: any.
    #[inline]
    pub fn view(&self) -> CoherentView<'_, T> {
        // SAFETY: By the type invariants the memory is valid and aligned as long as the handle is
        // borrowed, the device reaches it at `dma`, and there are references in the `Cpu` state
        // only.
        unsafe { CoherentView::new(self.cpu.as_ptr(), self.dma) }
    }

    /// Takes the memory back for the CPU alone.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the handle if the engine is not idle.
    pub fn reclaim(self) -> Result<DmaCoherent<'bound, T, Cpu>, Busy<Self>> {
        if engine::is_idle(&self.state.0) {
            // SAFETY: The engine is idle.
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
    pub(crate) unsafe fn into_cpu(self) -> DmaCoherent<'bound, T, Cpu> {
        // INVARIANT: By the safety requirements of this function the engine is done, and it starts
        // nothing on this memory without a handle in a state of the device (safety requirements of
        // `Engine`). `T: FromBytes`, so whatever the device wrote is a valid `T`.
        self.into_state(|_| Cpu::new())
    }
}

impl<'a, T, E> IoBase<'a> for &'a DmaCoherent<'_, T, Shared<E>>
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

impl<T: KnownSize + ?Sized, S: State> Drop for DmaCoherent<'_, T, S> {
    #[inline]
    fn drop(&mut self) {
        let size = self.size();

        if !self.state.stop() {
            self.dev.quarantine(size);
            return;
        }

        // SAFETY: By the type invariants this is our allocation. The device does not access it any
        // more, and nobody else has it.
        unsafe { self.memory().free_anywhere(self.dev) };
    }
}

// SAFETY: The handle owns the memory, which any thread may use and free.
unsafe impl<T: KnownSize + Send + ?Sized, S: State + Send> Send for DmaCoherent<'_, T, S> {}

// SAFETY: A shared handle gives `&T` in the `Cpu` state, which is sound for `T: Sync`, and
// volatile access in the `Shared` state, which may race by the kernel's memory model.
unsafe impl<T: KnownSize + Sync + ?Sized, S: State + Sync> Sync for DmaCoherent<'_, T, S> {}
