// SPDX-License-Identifier: GPL-2.0

//! Blocks of a pool.

use super::DmaPool;
use crate::{
    coherent::CpuAddress,
    device::{
        counts::Kind,
        DmaDevice,
        Token, //
    },
    direction::{
        Bidirectional,
        Direction, //
    },
    engine::Engine,
    generic::variance::CrateToken,
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

/// The reference by which a block keeps its pool alive.
///
/// `&DmaPool` costs nothing, and needs a pool that outlives its blocks. `Arc<DmaPool>` costs a reference
/// count, for blocks that are stored beside their pool.
pub trait PoolRef: private::Sealed {
    /// The type that a block holds.
    type Element: FromBytes + IntoBytes;

    /// A [`DmaDevice<'bound>`](DmaDevice).
    type Device: Token;

    #[doc(hidden)]
    fn pool(&self, _: CrateToken) -> &DmaPool<'_, Self::Element>;

    #[doc(hidden)]
    fn device(&self, _: CrateToken) -> Self::Device;
}

impl<'bound, T: FromBytes + IntoBytes> PoolRef for &DmaPool<'bound, T> {
    type Element = T;
    type Device = DmaDevice<'bound>;

    #[inline]
    fn pool(&self, _: CrateToken) -> &DmaPool<'_, T> {
        self.shorter()
    }

    #[inline]
    fn device(&self, _: CrateToken) -> DmaDevice<'bound> {
        (**self).device()
    }
}

impl<'bound, T: FromBytes + IntoBytes> PoolRef for Arc<DmaPool<'bound, T>> {
    type Element = T;
    type Device = DmaDevice<'bound>;

    #[inline]
    fn pool(&self, _: CrateToken) -> &DmaPool<'_, T> {
        self.shorter()
    }

    #[inline]
    fn device(&self, _: CrateToken) -> DmaDevice<'bound> {
        (**self).device()
    }
}

/// A block of a [`DmaPool`]: coherent memory that holds a `T`, put back on drop.
///
/// Its states and transitions are those of [`DmaCoherent`](crate::DmaCoherent). If a block is
/// quarantined, its pool is leaked (see [`DmaPool`]).
///
/// C API: `dma_pool_zalloc()`, `dma_pool_free()`. Drop context: any.
pub type PoolBlock<P, S = Cpu> = Dma<Block<P>, Bidirectional, S>;

/// The backing of [`PoolBlock`].
///
/// # Invariants
///
/// This value owns a block of `pool`, whose addresses are `cpu` and `dma`. It is aligned for the
/// element, and initialised.
pub struct Block<P: PoolRef> {
    pool: P,
    cpu: NonNull<P::Element>,
    dma: DmaAddress,
}

// SAFETY: The block does not move before it is put back.
unsafe impl<P: PoolRef> Backing for Block<P> {
    type Device = P::Device;
    type Given<E: Engine> = Shared<E>;
    type Shape = Typed;
    const KIND: Kind = Kind::BLOCK;

    #[inline]
    fn device(&self) -> P::Device {
        self.pool.device(CrateToken(()))
    }

    #[inline]
    fn size(&self) -> usize {
        const { size_of::<P::Element>() }
    }

    // The drop of `pool` comes after the block was put back.
    #[inline]
    unsafe fn release<D: Direction, S: State>(self) {
        // SAFETY: By the type invariants this owns the block, which was taken from this pool. The caller
        // guarantees that the device does not access it any more.
        unsafe { self.pool.pool(CrateToken(())).put(self.cpu, self.dma) };
    }

    fn quarantine(self) {
        self.pool.pool(CrateToken(())).quarantine();
    }
}

// SAFETY: By the type invariants `dma` is the address of the block. An element has a size.
unsafe impl<P: PoolRef> OneAddress for Block<P> {
    #[inline]
    fn dma_address(&self) -> DmaAddress {
        self.dma
    }
}

// SAFETY: By the type invariants the block is aligned, initialised and owned. Any bytes are an element.
unsafe impl<P: PoolRef> CpuAddress for Block<P> {
    type Target = P::Element;

    #[inline(always)]
    fn cpu(&self) -> NonNull<P::Element> {
        self.cpu
    }
}

// SAFETY: The value owns the block. Any thread may use it and put it back.
unsafe impl<P: PoolRef<Element: Send> + Send> Send for Block<P> {}

// SAFETY: In the `Cpu` state a shared reference gives `&T`, which is sound for `T: Sync`. In the
// `Shared` state it gives volatile access, which may race by the kernel's memory model.
unsafe impl<P: PoolRef<Element: Sync> + Sync> Sync for Block<P> {}

impl<P: PoolRef> PoolBlock<P, Cpu> {
    /// Takes a zeroed block from `pool`.
    ///
    /// C API: `dma_pool_zalloc()`. Context: may sleep with [`Gfp::Kernel`], any otherwise.
    ///
    /// # Errors
    ///
    /// - `EIO`: the allocated memory crosses the `segment_boundary` that the driver has stated; never
    ///   for blocks of up to a page.
    /// - `ENOMEM`.
    #[inline]
    pub fn zeroed(pool: P, gfp: Gfp) -> Result<Self> {
        let (cpu, dma) = pool.pool(CrateToken(())).take_zeroed(gfp)?;

        // INVARIANT: Taken above. Any bytes are a valid element, which is `FromBytes`.
        let backing = Block { pool, cpu, dma };
        // SAFETY: Coherent memory needs no sync, and no device knows the address.
        Ok(unsafe { Self::in_cpu(backing) }.counted())
    }

    /// Takes a block and moves `value` in.
    ///
    /// C API, context, errors: as [`zeroed`](Self::zeroed).
    #[inline]
    pub fn new(pool: P, value: P::Element, gfp: Gfp) -> Result<Self> {
        let (cpu, dma) = pool.pool(CrateToken(())).take(gfp, 0)?;

        // SAFETY: The block is large enough and aligned for an element, and ours.
        unsafe { cpu.write(value) };
        // INVARIANT: Taken above, and initialised.
        let backing = Block { pool, cpu, dma };
        // SAFETY: Coherent memory needs no sync, and no device knows the address.
        Ok(unsafe { Self::in_cpu(backing) }.counted())
    }

    /// Takes a block and initialises it in place.
    ///
    /// C API, context: as [`zeroed`](Self::zeroed).
    ///
    /// # Errors
    ///
    /// Those of [`zeroed`](Self::zeroed), and what `init` returns. The block is put back then.
    pub fn init<E>(pool: P, init: impl Init<P::Element, E>, gfp: Gfp) -> Result<Self>
    where
        Error: From<E>,
    {
        let this = Self::zeroed(pool, gfp)?;

        // SAFETY: The block is valid, aligned and exclusively ours. If `init` fails half way, any bit
        // pattern is a valid element, and an element has no destructor.
        unsafe { pin_init::raw_try_init(this.backing.cpu.as_ptr(), init)? };

        Ok(this)
    }
}
