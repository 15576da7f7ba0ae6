// SPDX-License-Identifier: GPL-2.0

//! Handles in a transfer: the implementations of [`Handle`].

use super::{
    private::Sealed,
    Handle,
    InFlight,
    Post,
    SharedPiece, //
};
use crate::{
    coherent::CpuAddress,
    direction::Direction,
    generic::variance::CrateToken,
    handle::{
        Backing,
        Dma,
        One,
        OneAddress,
        Several,
        Typed, //
    },
    mmap::{
        Mappable,
        Mmap, //
    },
    seg::{
        piece::{
            Piece,
            Pieces, //
        },
        segments::Scattered, //
    },
    state::{
        Cpu,
        InDevice,
        Posted,
        State, //
    },
    view::CoherentView, //
};
use kernel::sync::Arc;

/// The pieces of memory of this shape.
pub trait Shape<M> {
    type Pieces<'a, D: Direction, E>;

    /// # Safety
    ///
    /// The memory must be mapped in direction `D`, by a handle that is in a state of the device during
    /// `'a`, and carries an engine with the mark `E`.
    unsafe fn pieces<'a, D: Direction, E>(memory: &M) -> Self::Pieces<'a, D, E>;
}

impl<M: OneAddress> Shape<M> for One {
    type Pieces<'a, D: Direction, E> = Piece<'a, D, E>;

    #[inline]
    unsafe fn pieces<'a, D: Direction, E>(memory: &M) -> Piece<'a, D, E> {
        // SAFETY: This is all of the memory, which is not empty (`OneAddress`). The caller guarantees
        // the direction, the state and the mark.
        unsafe { Piece::new(memory.dma_address(), memory.size()) }
    }
}

impl<M: CpuAddress> Shape<M> for Typed {
    type Pieces<'a, D: Direction, E> = SharedPiece<'a, M::Target, E>;

    #[inline]
    unsafe fn pieces<'a, D: Direction, E>(memory: &M) -> SharedPiece<'a, M::Target, E> {
        // SAFETY: `CpuAddress`: the memory is valid, aligned and at `dma_address`; in a state of the
        // device there are no references. The caller guarantees the state and the mark.
        unsafe {
            SharedPiece::new(CoherentView::new(
                memory.cpu().as_ptr(),
                memory.dma_address(),
            ))
        }
    }
}

impl<M: Scattered> Shape<M> for Several {
    type Pieces<'a, D: Direction, E> = Pieces<'a, D, E>;

    #[inline]
    unsafe fn pieces<'a, D: Direction, E>(memory: &M) -> Pieces<'a, D, E> {
        // SAFETY: The caller guarantees the direction, the state and the mark.
        unsafe { Pieces::new(memory.segments()) }
    }
}

impl<M: Backing, D: Direction, S: State> Sealed for Dma<M, D, S> {}
impl<M: Backing<Shape: Shape<M>>, D: Direction, S: InDevice> InFlight for Dma<M, D, S> {}

impl<M: Backing<Shape: Shape<M>>, D: Direction, S: State> Handle for Dma<M, D, S> {
    type Pieces<'a> = <M::Shape as Shape<M>>::Pieces<'a, D, S::Mark>;
    type Done = Dma<M, D, S::Done>;

    #[inline]
    fn is_done(&self) -> bool {
        self.state().is_done()
    }

    #[inline]
    fn stop(&self) -> bool {
        self.state().stop()
    }

    #[inline]
    unsafe fn pieces<'a>(&self) -> Self::Pieces<'a> {
        // SAFETY: By the type invariants it is mapped in direction `D`. The caller guarantees the state.
        unsafe { M::Shape::pieces::<D, S::Mark>(&self.backing) }
    }

    #[inline]
    unsafe fn finish(self) -> Self::Done {
        // SAFETY: The caller guarantees that the engine is idle or was stopped.
        unsafe { self.into_done() }
    }
}

impl<M: Backing<Shape: Shape<M>>, D: Direction> Post for Dma<M, D, Cpu> {
    type Posted<K> = Dma<M, D, Posted<K>>;

    #[inline]
    fn post<K>(self, _: CrateToken) -> Self::Posted<K> {
        self.posted()
    }

    #[inline]
    fn size<K>(posted: &Self::Posted<K>) -> usize {
        posted.size()
    }
}

/// Implements the functions by those of the inner handle, which keeps its state.
macro_rules! by_handle {
    () => {
        type Pieces<'a> = H::Pieces<'a>;
        type Done = Self;

        #[inline]
        fn is_done(&self) -> bool {
            (**self).is_done()
        }

        #[inline]
        fn stop(&self) -> bool {
            Handle::stop(&**self)
        }

        #[inline]
        unsafe fn pieces<'a>(&self) -> Self::Pieces<'a> {
            // SAFETY: The caller guarantees it for the inner handle.
            unsafe { (**self).pieces() }
        }

        #[inline]
        unsafe fn finish(self) -> Self {
            self
        }
    };
}

impl<H: Mappable + Handle> Sealed for Mmap<H> {}
impl<H: Mappable + InFlight> InFlight for Mmap<H> {}

impl<H: Mappable + Handle> Handle for Mmap<H> {
    by_handle!();
}

impl<H: Handle> Sealed for &H {}
impl<H: InFlight> InFlight for &H {}

impl<H: Handle> Handle for &H {
    by_handle!();

    #[inline]
    fn release(self) {
        // The owner frees the memory, and its drop stops the engine again.
        let _ = Handle::stop(self);
    }
}

impl<H: Handle> Sealed for Arc<H> {}
impl<H: InFlight> InFlight for Arc<H> {}

impl<H: Handle> Handle for Arc<H> {
    by_handle!();

    #[inline]
    fn release(self) {
        // The last reference frees the memory, and its drop stops the engine again.
        let _ = Handle::stop(&self);
    }
}
