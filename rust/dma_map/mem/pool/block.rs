// SPDX-License-Identifier: GPL-2.0

//! A block of a pool.

use super::DmaPool;
use crate::{
    engine::{
        self,
        Engine, //
    },
    error::Busy,
    generic::variance::Inside,
    gfp::Gfp,
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
    dma::DmaAddress,
    io::IoBase,
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

    #[doc(hidden)]
    fn pool(&self, _: Inside) -> &DmaPool<'_, Self::Element>;
}

impl<T: FromBytes + IntoBytes> PoolRef for &DmaPool<'_, T> {
    type Element = T;

    #[inline]
    fn pool(&self, _: Inside) -> &DmaPool<'_, T> {
        self.shorter()
    }
}

impl<T: FromBytes + IntoBytes> PoolRef for Arc<DmaPool<'_, T>> {
    type Element = T;

    #[inline]
    fn pool(&self, _: Inside) -> &DmaPool<'_, T> {
        self.shorter()
    }
}

/// A block of a [`DmaPool`]: coherent memory that holds a `T`, put back on drop.
///
/// Its states are those of [`DmaCoherent`](crate::DmaCoherent): it starts in the [`Cpu`] state, is
/// [`share`](PoolBlock::share)d with a device, and [`reclaim`](PoolBlock::reclaim)ed when the
/// engine is idle.
///
/// Dropping a shared block asks the engine first: a device that is busy is stopped, and if it can't
/// be stopped, the block is quarantined, and with it the pool (see [`DmaPool`]).
///
/// C API: `dma_pool_zalloc()`, `dma_pool_free()`. Drop context: any.
///
/// # Invariants
///
/// - `cpu` and `dma` are the addresses of a block that was taken from `pool` and that this handle
///   owns. It is aligned for the element, and initialised.
/// - In the [`Cpu`] state, no device has been told the address, or every one that has is idle.
pub struct PoolBlock<P: PoolRef, S: State = Cpu> {
    // Fields are dropped after the block was put back.
    pool: P,
    cpu: NonNull<P::Element>,
    dma: DmaAddress,
    state: S,
}

impl<P: PoolRef, S: State> PoolBlock<P, S> {
    /// Takes the handle apart, without putting the block back.
    #[inline]
    fn into_parts(self) -> (P, NonNull<P::Element>, DmaAddress, S) {
        let this = ManuallyDrop::new(self);

        // SAFETY: `this` is not dropped and not used again, so each field is moved out once.
        let (pool, state) = unsafe { (core::ptr::read(&this.pool), core::ptr::read(&this.state)) };

        (pool, this.cpu, this.dma, state)
    }
}

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

        // INVARIANT: Taken above. Zeroes are a valid element, which is `FromBytes`. No device
        // knows the address.
        Ok(Self {
            pool,
            cpu,
            dma,
            state: Cpu::new(),
        })
    }

    /// Takes a block and moves `value` in.
    ///
    /// C API, context, errors: as [`zeroed`](Self::zeroed).
    #[inline]
    pub fn new(pool: P, value: P::Element, gfp: Gfp) -> Result<Self> {
        let (cpu, dma) = pool.pool(Inside(())).take(gfp, 0)?;

        // SAFETY: The block is large enough and aligned for an element, and ours.
        unsafe { cpu.write(value) };
        // INVARIANT: Taken above, and initialised. No device knows the address.
        Ok(Self {
            pool,
            cpu,
            dma,
            state: Cpu::new(),
        })
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
        unsafe { pin_init::raw_try_init(this.cpu.as_ptr(), init)? };

        Ok(this)
    }

    /// Shares the block with the device behind `engine`.
    ///
    /// Consumes the exclusive handle, so no reference to the memory is left. Context: any.
    #[inline]
    pub fn share<E: Engine>(self, engine: E) -> PoolBlock<P, Shared<E>> {
        let (pool, cpu, dma, _) = self.into_parts();

        // INVARIANT: The same block; the state is not `Cpu`.
        PoolBlock {
            pool,
            cpu,
            dma,
            state: Shared::new(engine),
        }
    }
}

impl<P: PoolRef> Deref for PoolBlock<P, Cpu> {
    type Target = P::Element;

    #[inline]
    fn deref(&self) -> &P::Element {
        // SAFETY: By the type invariants the block is valid and initialised, and no device
        // accesses it.
        unsafe { self.cpu.as_ref() }
    }
}

impl<P: PoolRef> DerefMut for PoolBlock<P, Cpu> {
    #[inline]
    fn deref_mut(&mut self) -> &mut P::Element {
        // SAFETY: By the type invariants the block is valid and initialised, and no device
        // accesses it.
        unsafe { self.cpu.as_mut() }
    }
}

impl<P: PoolRef, E: Engine> PoolBlock<P, Shared<E>> {
    /// Returns the address at which the device reaches the block.
    ///
    /// The whole element is at the addresses from here on, contiguously. Context: any.
    #[inline]
    pub fn dma_address(&self) -> DmaAddress {
        self.dma
    }

    /// Returns a view of the block, for volatile access.
    ///
    /// The handle itself works with the kernel's I/O macros too; a view is `Copy`. Context: any.
    #[inline]
    pub fn view(&self) -> CoherentView<'_, P::Element> {
        // SAFETY: By the type invariants the block is valid and aligned as long as the handle is
        // borrowed, the device reaches it at `dma`, and there are references in the `Cpu` state
        // only.
        unsafe { CoherentView::new(self.cpu.as_ptr(), self.dma) }
    }

    /// Takes the block back for the CPU alone.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the handle if the engine is not idle.
    pub fn reclaim(self) -> Result<PoolBlock<P, Cpu>, Busy<Self>> {
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
    pub(crate) unsafe fn into_cpu(self) -> PoolBlock<P, Cpu> {
        let (pool, cpu, dma, _) = self.into_parts();

        // INVARIANT: By the safety requirements of this function the engine is done, and it starts
        // nothing on this memory without a handle in a state of the device (safety requirements of
        // `Engine`). The element is `FromBytes`, so whatever the device wrote is a valid one.
        PoolBlock {
            pool,
            cpu,
            dma,
            state: Cpu::new(),
        }
    }
}

impl<'a, P: PoolRef, E: Engine> IoBase<'a> for &'a PoolBlock<P, Shared<E>> {
    type Backend = CoherentBackend;
    type Target = P::Element;

    #[inline]
    fn as_view(self) -> CoherentView<'a, P::Element> {
        self.view()
    }
}

impl<P: PoolRef, S: State> Drop for PoolBlock<P, S> {
    #[inline]
    fn drop(&mut self) {
        let pool = self.pool.pool(Inside(()));

        if !self.state.stop() {
            pool.quarantine();
            return;
        }

        // SAFETY: By the type invariants the block was taken from this pool and is ours; the
        // device does not access it any more.
        unsafe { pool.put(self.cpu, self.dma) };
    }
}

// SAFETY: The handle owns the block, which any thread may use and put back.
unsafe impl<P, S> Send for PoolBlock<P, S>
where
    P: PoolRef<Element: Send> + Send,
    S: State + Send,
{
}

// SAFETY: A shared handle gives `&T` in the `Cpu` state, which is sound for `T: Sync`, and
// volatile access in the `Shared` state, which may race by the kernel's memory model.
unsafe impl<P, S> Sync for PoolBlock<P, S>
where
    P: PoolRef<Element: Sync> + Sync,
    S: State + Sync,
{
}
