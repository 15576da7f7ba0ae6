// SPDX-License-Identifier: GPL-2.0

//! Coherent memory: memory that CPU and device see alike at all times.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

mod alloc;
mod handle;
pub(crate) mod memory;
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

use super::mmap::{
    private::MmapBacking,
    Mmap, //
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
        OneAddress,
        Typed, //
    },
    state::{
        Cpu,
        Shared,
        State, //
    },
    sys::leak_tracking::Entry,
    view::{
        self,
        CoherentBackend,
        CoherentView, //
    },
};
use core::{
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
/// A new handle is in the [`Cpu`] state: the device does not know the address, and the driver uses the
/// memory like a box, through safe references. [`give`](Dma::give) makes it [`Shared`]: the handle then
/// has a DMA address, and access is volatile, through the kernel's I/O projections.
/// [`complete`](Dma::complete) returns it to the `Cpu` state when the engine is idle.
///
/// Dropping shared memory stops the device first; see [`Dma`].
///
/// C API: `dma_alloc_attrs()`, `dma_free_attrs()`. Drop context: any; where `dma_free_attrs()` is not
/// legal, a workqueue frees the memory.
///
/// # Examples
///
/// ```ignore,run
/// # #[repr(C)]
/// # #[derive(FromBytes, IntoBytes)]
/// # struct Descriptor { flags: u32, status: u32 }
/// # const FIRST: u32 = 1;
/// # const RING_BASE: usize = 0x10;
/// let mut ring = DmaCoherent::<[Descriptor]>::zeroed_slice(dma, 64, Gfp::Kernel)?;
/// ring[0].flags = FIRST;
///
/// let ring = ring.give(engine);
/// regs.try_write64(ring.dma_address(), RING_BASE)?;
/// let status = io_read!(&ring, [try: 0].status);
/// # check(status == 0 && io_read!(&ring, [try: 0].flags) == FIRST)?;
/// ```
pub type DmaCoherent<'bound, T, S = Cpu> = Dma<Coherent<'bound, T>, Bidirectional, S>;

/// The backing of [`DmaCoherent`]: coherent memory that holds a `T`.
///
/// # Invariants
///
/// - `cpu` points to coherent memory of `dev`, allocated with the size of the `T` behind it and with
///   `attrs`. This value owns it. The memory is aligned for `T`, initialised, and contiguous for the CPU
///   and for the device. Any bytes are a valid `T`.
/// - `dma` is the address of the same memory for the device.
pub struct Coherent<'bound, T: KnownSize + ?Sized> {
    dev: DmaDevice<'bound>,
    cpu: NonNull<T>,
    dma: DmaAddress,
    attrs: c_ulong,
}

// SAFETY: The memory does not move before it is freed.
unsafe impl<'bound, T: KnownSize + ?Sized> Backing for Coherent<'bound, T> {
    type Device = DmaDevice<'bound>;
    type Given<E: Engine> = Shared<E>;
    type Shape = Typed;
    const KIND: Kind = Kind::COHERENT;

    #[inline]
    fn device(&self) -> DmaDevice<'bound> {
        self.dev
    }

    #[inline]
    fn size(&self) -> usize {
        // SAFETY: By the type invariants the memory is valid as long as the value is borrowed.
        unsafe { view::size_of(self.cpu.as_ptr()) }
    }

    #[inline]
    unsafe fn release<D: Direction, S: State>(self) {
        let (size, cpu) = (self.size(), self.cpu.as_ptr().cast());

        // SAFETY: By the type invariants `self` owns this allocation of `dev`. The caller guarantees
        // that the device does not access it any more.
        unsafe { memory::free(self.dev, size, cpu, self.dma, self.attrs) };
    }
}

// SAFETY: By the type invariants all of the memory is contiguous at `dma`, and it is never empty.
unsafe impl<T: KnownSize + ?Sized> OneAddress for Coherent<'_, T> {
    #[inline]
    fn dma_address(&self) -> DmaAddress {
        self.dma
    }
}

// SAFETY: The value owns the memory. Any thread may use it and free it.
unsafe impl<T: KnownSize + Send + ?Sized> Send for Coherent<'_, T> {}

// SAFETY: In the `Cpu` state a shared reference gives `&T`, which is sound for `T: Sync`. In the
// `Shared` state it gives volatile access, which may race by the kernel's memory model.
unsafe impl<T: KnownSize + Sync + ?Sized> Sync for Coherent<'_, T> {}

impl<T: KnownSize + ?Sized> MmapBacking for Coherent<'_, T> {
    fn bound(&self) -> DmaDevice<'_> {
        self.dev.shorter()
    }

    unsafe fn mmap<D: Direction>(&self, vma: *mut bindings::vm_area_struct) -> c_int {
        // SAFETY: The caller guarantees that `vma` is under initialisation. By the type invariants the
        // others are the arguments of the allocation.
        unsafe {
            bindings::dma_mmap_attrs(
                self.dev.as_raw(),
                vma,
                self.cpu.as_ptr().cast(),
                self.dma,
                self.size(),
                self.attrs,
            )
        }
    }

    fn memory<D: Direction>(&self) -> Entry {
        memory::entry(self.size(), self.cpu.as_ptr().cast(), self.dma, self.attrs)
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
        self.backing.cpu.len()
    }
}

/// Coherent memory that has an address for the CPU.
///
/// # Safety
///
/// [`cpu`](Self::cpu) returns the address of the memory for the CPU. The memory is aligned for a
/// `Target` and initialised with one, and any bytes are a valid `Target`. As long as a handle owns the
/// memory, nobody else accesses it.
pub unsafe trait CpuAddress: OneAddress {
    /// The type that the memory holds.
    type Target: KnownSize + ?Sized;

    /// Returns the address for the CPU.
    fn cpu(&self) -> NonNull<Self::Target>;
}

// SAFETY: By the type invariants `cpu` points to memory that is aligned, initialised and any bytes.
unsafe impl<T: KnownSize + ?Sized> CpuAddress for Coherent<'_, T> {
    type Target = T;

    #[inline(always)]
    fn cpu(&self) -> NonNull<T> {
        self.cpu
    }
}

impl<M: CpuAddress, E: Engine> Dma<M, Bidirectional, Shared<E>> {
    /// Returns a view of the memory, for volatile access.
    ///
    /// The handle itself also works with the kernel's I/O macros; a view is `Copy`. Context: any.
    #[inline]
    pub fn view(&self) -> CoherentView<'_, M::Target>
    where
        M::Target: FromBytes + IntoBytes,
    {
        // SAFETY: By the safety requirements of `CpuAddress` the memory is valid and aligned as long as
        // the handle is borrowed, and by those of `OneAddress` the device reaches it at `dma_address`.
        // References to it exist in the `Cpu` state only.
        unsafe { CoherentView::new(self.backing.cpu().as_ptr(), self.backing.dma_address()) }
    }
}

impl<M: CpuAddress> Deref for Dma<M, Bidirectional, Cpu> {
    type Target = M::Target;

    #[inline]
    fn deref(&self) -> &M::Target {
        // SAFETY: By `CpuAddress` the memory is valid. In the `Cpu` state no device accesses it.
        unsafe { self.backing.cpu().as_ref() }
    }
}

impl<M: CpuAddress> DerefMut for Dma<M, Bidirectional, Cpu> {
    #[inline]
    fn deref_mut(&mut self) -> &mut M::Target {
        // SAFETY: By `CpuAddress` the memory is valid. In the `Cpu` state no device accesses it.
        unsafe { self.backing.cpu().as_mut() }
    }
}

impl<'a, M, E> IoBase<'a> for &'a Dma<M, Bidirectional, Shared<E>>
where
    M: CpuAddress<Target: FromBytes + IntoBytes>,
    E: Engine,
{
    type Backend = CoherentBackend;
    type Target = M::Target;

    #[inline]
    fn as_view(self) -> CoherentView<'a, M::Target> {
        self.view()
    }
}

impl<'a, M, E> IoBase<'a> for &'a Mmap<Dma<M, Bidirectional, Shared<E>>>
where
    M: CpuAddress<Target: FromBytes + IntoBytes> + MmapBacking,
    E: Engine,
{
    type Backend = CoherentBackend;
    type Target = M::Target;

    #[inline]
    fn as_view(self) -> CoherentView<'a, M::Target> {
        self.view()
    }
}
