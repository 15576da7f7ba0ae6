// SPDX-License-Identifier: GPL-2.0

//! Coherent memory: memory that CPU and device see alike at all times.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

mod alloc;

use crate::{
    deferral,
    device::DmaDevice,
    engine::Engine,
    ffi,
    state::{
        Cpu,
        Shared,
        State, //
    },
    view::{
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
    bindings,
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
/// - `cpu` points to coherent memory of `dev`, allocated with the size of the `T` behind it, which
///   this handle owns. It is aligned for `T`, initialised, contiguous in virtual and bus space.
/// - `dma` is the address of the same memory for the device.
/// - In the [`Cpu`] state, no device has been told the address, or every one that has is idle.
///
/// # Examples
///
/// ```ignore
/// let mut ring = DmaCoherent::<[Descriptor]>::zeroed_slice(dma, 64, Gfp::Kernel)?;
/// ring[0].flags = FIRST;
///
/// let ring = ring.share(engine);
/// regs.write64(ring.dma_address(), RING_BASE);
/// let status = io_read!(&ring, [try: 0].status);
/// ```
pub struct DmaCoherent<'bound, T: KnownSize + ?Sized, S: State = Cpu> {
    dev: DmaDevice<'bound>,
    cpu: NonNull<T>,
    dma: DmaAddress,
    state: S,
}

impl<'bound, T: KnownSize + ?Sized, S: State> DmaCoherent<'bound, T, S> {
    /// Returns the size of the memory in bytes.
    #[inline]
    pub fn size(&self) -> usize {
        T::size(self.cpu.as_ptr())
    }

    /// Returns the device that the memory was allocated for.
    #[inline]
    pub fn device(&self) -> DmaDevice<'bound> {
        self.dev
    }

    /// Takes the handle apart, without freeing.
    #[inline]
    fn into_parts(self) -> (DmaDevice<'bound>, NonNull<T>, DmaAddress, S) {
        let this = ManuallyDrop::new(self);

        // SAFETY: `this` is not dropped and not used again, so the state is moved out once.
        let state = unsafe { core::ptr::read(&this.state) };

        (this.dev, this.cpu, this.dma, state)
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
        let (dev, cpu, dma, _) = self.into_parts();

        // INVARIANT: The same memory; the state is not `Cpu`.
        DmaCoherent {
            dev,
            cpu,
            dma,
            state: Shared(engine),
        }
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

/// What [`DmaCoherent::reclaim`] gives back while the device is busy: the handle, still shared.
pub struct Busy<H>(pub H);

impl<H> From<Busy<H>> for Error {
    #[inline]
    fn from(_: Busy<H>) -> Self {
        EBUSY
    }
}

impl<H> core::fmt::Debug for Busy<H> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Busy")
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
        if !self.state.0.is_idle() {
            return Err(Busy(self));
        }

        // What the device wrote before it became idle is read after this.
        kernel::sync::barrier::dma_mb(kernel::sync::barrier::Read);
        let (dev, cpu, dma, _) = self.into_parts();

        // INVARIANT: The engine is idle, and starts nothing on this memory without a handle in a
        // state of the device (safety requirements of `Engine`). `T: FromBytes`, so whatever the
        // device wrote is a valid `T`.
        Ok(DmaCoherent {
            dev,
            cpu,
            dma,
            state: Cpu::new(),
        })
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

/// Frees coherent memory.
///
/// # Safety
///
/// The arguments must be those of one allocation that is not used any more. The caller must be in
/// a context that may sleep, and `dev` bound.
unsafe fn free(dev: *mut bindings::device, size: usize, cpu: *mut c_void, dma: DmaAddress) {
    // SAFETY: By the safety requirements of this function; `alloc` passes no attributes.
    unsafe { bindings::dma_free_attrs(dev, size, cpu, dma, 0) }
}

/// The arguments of [`free`], to be sent to a workqueue.
struct Free {
    dev: *mut bindings::device,
    size: usize,
    cpu: *mut c_void,
    dma: DmaAddress,
}

// SAFETY: Coherent memory may be freed by any thread.
unsafe impl Send for Free {}

impl Free {
    fn run(self) {
        // SAFETY: Made in `DmaCoherent::drop`, run once, before unbind.
        unsafe { free(self.dev, self.size, self.cpu, self.dma) }
    }
}

impl<T: KnownSize + ?Sized, S: State> Drop for DmaCoherent<'_, T, S> {
    #[inline]
    fn drop(&mut self) {
        let size = self.size();

        if !self.state.stop() {
            crate::binding::quarantine(self.dev.device(), size);
            return;
        }

        if ffi::may_sleep() {
            // SAFETY: By the type invariants these are the arguments of the allocation. The device
            // does not access it any more, nobody else has it, and this context may sleep.
            unsafe { free(self.dev.as_raw(), size, self.cpu.as_ptr().cast(), self.dma) };
            return;
        }

        let job = Free {
            dev: self.dev.as_raw(),
            size,
            cpu: self.cpu.as_ptr().cast(),
            dma: self.dma,
        };
        // SAFETY: The memory is the job's alone, and the device is bound until the job has run.
        if !unsafe { deferral::defer(move || job.run()) } {
            crate::binding::quarantine(self.dev.device(), size);
        }
    }
}

// SAFETY: The handle owns the memory, which any thread may use and free.
unsafe impl<T: KnownSize + Send + ?Sized, S: State + Send> Send for DmaCoherent<'_, T, S> {}

// SAFETY: A shared handle gives `&T` in the `Cpu` state, which is sound for `T: Sync`, and
// volatile access in the `Shared` state, which may race by the kernel's memory model.
unsafe impl<T: KnownSize + Sync + ?Sized, S: State + Sync> Sync for DmaCoherent<'_, T, S> {}
