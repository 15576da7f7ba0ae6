// SPDX-License-Identifier: GPL-2.0

//! A block of a pool.

use super::DmaPool;
use crate::{
    coherent::CpuAddress,
    device::{
        DmaDevice,
        Token, //
    },
    direction::{
        Bidirectional,
        Direction, //
    },
    engine::Engine,
    generic::variance::Inside,
    gfp::Gfp,
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
};
use core::ptr::NonNull;
use kernel::{
    dma::DmaAddress,
    prelude::*,
    sync::Arc, //
};
use pin_init::Init;
use zerocopy::{
    FromBytes,
    IntoBytes, //
};

mod private {
    use super::*;

    pub trait Sealed {}
    impl<T> Sealed for &DmaPool<'_, T> {}
    impl<T> Sealed for Arc<DmaPool<'_, T>> {}
}

/// How a block keeps its pool alive.
///
/// By `&DmaPool`, which costs nothing, where the pool stays in place as long as its blocks; by
/// `Arc<DmaPool>`, which costs a reference count, where blocks are kept beside it.
pub trait PoolRef: private::Sealed {
    /// What a block holds.
    type Element: FromBytes + IntoBytes;

    /// A [`DmaDevice<'bound>`](DmaDevice).
    type Device: Token;

    #[doc(hidden)]
    fn pool(&self, _: Inside) -> &DmaPool<'_, Self::Element>;

    #[doc(hidden)]
    fn device(&self, _: Inside) -> Self::Device;
}

impl<'bound, T: FromBytes + IntoBytes> PoolRef for &DmaPool<'bound, T> {
    type Element = T;
    type Device = DmaDevice<'bound>;

    #[inline]
    fn pool(&self, _: Inside) -> &DmaPool<'_, T> {
        self.shorter()
    }

    #[inline]
    fn device(&self, _: Inside) -> DmaDevice<'bound> {
        (**self).device()
    }
}

impl<'bound, T: FromBytes + IntoBytes> PoolRef for Arc<DmaPool<'bound, T>> {
    type Element = T;
    type Device = DmaDevice<'bound>;

    #[inline]
    fn pool(&self, _: Inside) -> &DmaPool<'_, T> {
        self.shorter()
    }

    #[inline]
    fn device(&self, _: Inside) -> DmaDevice<'bound> {
        (**self).device()
    }
}

/// A block of a [`DmaPool`]: coherent memory that holds a `T`, put back on drop.
///
/// Its states and transitions are those of [`DmaCoherent`](crate::DmaCoherent). A block that is
/// quarantined takes the pool with it (see [`DmaPool`]).
///
/// C API: `dma_pool_zalloc()`, `dma_pool_free()`. Drop context: any.
pub type PoolBlock<P, S = Cpu> = Dma<Block<P>, Bidirectional, S>;

/// A block of a pool.
///
/// # Invariants
///
/// `cpu` and `dma` are the addresses of a block that was taken from `pool` and that this value owns. It is
/// aligned for the element, and initialised.
pub struct Block<P: PoolRef> {
    pool: P,
    cpu: NonNull<P::Element>,
    dma: DmaAddress,
}

// SAFETY: The block stays where it is until it is put back.
unsafe impl<P: PoolRef> Backing for Block<P> {
    type Device = P::Device;
    type Given<E: Engine> = Shared<E>;
    type Shape = Typed;

    #[inline]
    fn device(&self) -> P::Device {
        self.pool.device(Inside(()))
    }

    #[inline]
    fn size(&self) -> usize {
        const { size_of::<P::Element>() }
    }

    // Fields are dropped after the block was put back.
    #[inline]
    unsafe fn release<D: Direction, S: State>(self) {
        // SAFETY: By the type invariants the block was taken from this pool and is ours; the
        // device does not access it any more.
        unsafe { self.pool.pool(Inside(())).put(self.cpu, self.dma) };
    }

    fn quarantine(self) {
        self.pool.pool(Inside(())).quarantine();
    }
}

// SAFETY: By the type invariants; an element has a size.
unsafe impl<P: PoolRef> OneAddress for Block<P> {
    #[inline]
    fn dma_address(&self) -> DmaAddress {
        self.dma
    }
}

// SAFETY: By the type invariants; an element is `FromBytes`.
unsafe impl<P: PoolRef> CpuAddress for Block<P> {
    type Target = P::Element;

    #[inline(always)]
    fn cpu(&self) -> NonNull<P::Element> {
        self.cpu
    }
}

// SAFETY: The value owns the block, which any thread may use and put back.
unsafe impl<P: PoolRef<Element: Send> + Send> Send for Block<P> {}

// SAFETY: By a shared reference there is `&T` in the `Cpu` state, which is sound for `T: Sync`, and
// volatile access in the `Shared` state, which may race by the kernel's memory model.
unsafe impl<P: PoolRef<Element: Sync> + Sync> Sync for Block<P> {}

impl<P: PoolRef> PoolBlock<P, Cpu> {
    /// Takes a block of zeroes from `pool`.
    ///
    /// C API: `dma_pool_zalloc()`. Context: may sleep with [`Gfp::Kernel`], any otherwise.
    ///
    /// # Errors
    ///
    /// - `EIO`: the memory that was found crosses the `segment_boundary` that the driver has stated;
    ///   not for blocks of up to a page.
    /// - `ENOMEM`.
    #[inline]
    pub fn zeroed(pool: P, gfp: Gfp) -> Result<Self> {
        let (cpu, dma) = pool.pool(Inside(())).take_zeroed(gfp)?;

        // INVARIANT: Taken above. Zeroes are a valid element, which is `FromBytes`.
        let backing = Block { pool, cpu, dma };
        // SAFETY: No device knows the address.
        Ok(unsafe { Self::in_cpu(backing) })
    }

    /// Takes a block and moves `value` in.
    ///
    /// C API, context, errors: as [`zeroed`](Self::zeroed).
    #[inline]
    pub fn new(pool: P, value: P::Element, gfp: Gfp) -> Result<Self> {
        let (cpu, dma) = pool.pool(Inside(())).take(gfp, 0)?;

        // SAFETY: The block is large enough and aligned for an element, and ours.
        unsafe { cpu.write(value) };
        // INVARIANT: Taken above, and initialised.
        let backing = Block { pool, cpu, dma };
        // SAFETY: No device knows the address.
        Ok(unsafe { Self::in_cpu(backing) })
    }

    /// Takes a block and initialises it in place.
    ///
    /// C API, context: as [`zeroed`](Self::zeroed).
    ///
    /// # Errors
    ///
    /// Those of [`zeroed`](Self::zeroed), and what `init` returns; the block is put back then.
    pub fn init<E>(pool: P, init: impl Init<P::Element, E>, gfp: Gfp) -> Result<Self>
    where
        Error: From<E>,
    {
        let this = Self::zeroed(pool, gfp)?;

        // SAFETY: The block is valid, aligned and exclusively ours. If `init` fails half way, any
        // bit pattern is a valid element, and an element has no destructor.
        unsafe { pin_init::raw_try_init(this.backing.cpu.as_ptr(), init)? };

        Ok(this)
    }
}
