// SPDX-License-Identifier: GPL-2.0

//! The handles, as a transfer takes them.

use super::{
    private::Sealed,
    Handle,
    InFlight,
    SharedPiece, //
};
use crate::{
    buf::{
        buffer::SgBuffer,
        contiguous::Contiguous, //
    },
    coherent::{
        CoherentHandle,
        DmaCoherent, //
    },
    direction::{
        Bidirectional,
        Direction, //
    },
    engine::{
        self,
        Engine, //
    },
    iova::IovaMapping,
    mapped_pool::MappedBuffer,
    mapping::{
        DmaMapping,
        MmioMapping, //
    },
    mmap::{
        Mappable,
        Mmap, //
    },
    noncoherent::{
        DmaBuffer,
        Memory, //
    },
    pool::{
        PoolBlock,
        PoolRef, //
    },
    seg::{
        iova_segments::IovaSegments,
        piece::{
            Piece,
            Pieces, //
        },
    },
    sg::{
        SgAddresses,
        SgMapping, //
    },
    state::{
        Cpu,
        Device,
        Part,
        Shared, //
    },
};
use core::hint::unreachable_unchecked;
use kernel::{
    ptr::KnownSize,
    sync::Arc, //
};
use zerocopy::{
    FromBytes,
    IntoBytes, //
};

/// The part that is the same for each handle: it asks its engine, and drops.
macro_rules! by_engine {
    () => {
        #[inline]
        fn is_done(&self) -> bool {
            engine::is_idle(self.engine())
        }

        #[inline]
        fn stop(&self) -> bool {
            engine::stop(self.engine())
        }

        #[inline]
        fn release(self) {
            drop(self);
        }
    };
}

/// A handle that is contiguous for the device, with an engine `E`.
macro_rules! contiguous {
    ($direction:ty) => {
        type Pieces<'a> = Piece<'a, $direction, E::Mark>;

        #[inline]
        unsafe fn pieces<'a>(&self) -> Self::Pieces<'a> {
            // SAFETY: The handle's memory, which is not empty, in its direction and by its engine; the
            // caller sees to the lifetime.
            unsafe { Piece::new(self.dma_address(), self.size()) }
        }
    };
}

/// A handle of shared memory that has a type, with an engine `E`.
macro_rules! shared {
    ($target:ty) => {
        type Pieces<'a> = SharedPiece<'a, $target, E::Mark>;

        #[inline]
        unsafe fn pieces<'a>(&self) -> Self::Pieces<'a> {
            // SAFETY: The handle's memory, by its engine; the caller sees to the lifetime.
            unsafe { SharedPiece::new(self.view()) }
        }
    };
}

/// A handle that becomes the CPU's.
macro_rules! becomes_cpu {
    () => {
        #[inline]
        unsafe fn finish(self) -> Self::Done {
            // SAFETY: By the safety requirements of this function.
            unsafe { self.into_cpu() }
        }
    };
}

/// A handle that stays as it is.
macro_rules! stays {
    () => {
        type Done = Self;

        #[inline]
        unsafe fn finish(self) -> Self {
            self
        }
    };
}

impl<B: Contiguous, D: Direction, E: Engine> Sealed for DmaMapping<'_, B, D, Device<E>> {}
impl<B: Contiguous, D: Direction, E: Engine> InFlight for DmaMapping<'_, B, D, Device<E>> {}

impl<'bound, B, D, E> Handle for DmaMapping<'bound, B, D, Device<E>>
where
    B: Contiguous,
    D: Direction,
    E: Engine,
{
    type Done = DmaMapping<'bound, B, D, Cpu>;
    contiguous!(D);
    becomes_cpu!();
    by_engine!();
}

impl<B: SgBuffer, D: Direction, E: Engine> Sealed for SgMapping<'_, B, D, Device<E>> {}
impl<B: SgBuffer, D: Direction, E: Engine> InFlight for SgMapping<'_, B, D, Device<E>> {}

impl<'bound, B, D, E> Handle for SgMapping<'bound, B, D, Device<E>>
where
    B: SgBuffer,
    D: Direction,
    E: Engine,
{
    type Pieces<'a> = Pieces<'a, D, E::Mark>;
    type Done = SgMapping<'bound, B, D, Cpu>;

    #[inline]
    unsafe fn pieces<'a>(&self) -> Pieces<'a, D, E::Mark> {
        // SAFETY: The mapping's segments, in its direction; the caller sees to the lifetime.
        unsafe { Pieces::new(IovaSegments::of_table(self.segments())) }
    }
    becomes_cpu!();
    by_engine!();
}

impl<B: SgBuffer, D: Direction, E: Engine> Sealed for IovaMapping<'_, B, D, Device<E>> {}
impl<B: SgBuffer, D: Direction, E: Engine> InFlight for IovaMapping<'_, B, D, Device<E>> {}

impl<'bound, B, D, E> Handle for IovaMapping<'bound, B, D, Device<E>>
where
    B: SgBuffer,
    D: Direction,
    E: Engine,
{
    type Pieces<'a> = Pieces<'a, D, E::Mark>;
    type Done = IovaMapping<'bound, B, D, Cpu>;

    #[inline]
    unsafe fn pieces<'a>(&self) -> Pieces<'a, D, E::Mark> {
        // SAFETY: As for `SgMapping`.
        unsafe { Pieces::new(self.segments()) }
    }
    becomes_cpu!();
    by_engine!();
}

impl<M: Memory, T, D: Direction, E: Engine> Sealed for DmaBuffer<'_, M, T, D, Device<E>> {}
impl<M: Memory, T, D: Direction, E: Engine> InFlight for DmaBuffer<'_, M, T, D, Device<E>> {}

impl<'bound, M, T, D, E> Handle for DmaBuffer<'bound, M, T, D, Device<E>>
where
    M: Memory,
    D: Direction,
    E: Engine,
{
    type Done = DmaBuffer<'bound, M, T, D, Cpu>;
    contiguous!(D);
    becomes_cpu!();
    by_engine!();
}

impl<T, D: Direction, E: Engine> Sealed for MappedBuffer<'_, T, D, Device<E>> {}
impl<T, D: Direction, E: Engine> InFlight for MappedBuffer<'_, T, D, Device<E>> {}

impl<'bound, T, D: Direction, E: Engine> Handle for MappedBuffer<'bound, T, D, Device<E>> {
    type Done = MappedBuffer<'bound, T, D, Cpu>;
    contiguous!(D);
    becomes_cpu!();
    by_engine!();
}

impl<T: KnownSize + ?Sized, E: Engine> Sealed for DmaCoherent<'_, T, Shared<E>> {}
impl<T, E> InFlight for DmaCoherent<'_, T, Shared<E>>
where
    T: FromBytes + IntoBytes + KnownSize + ?Sized,
    E: Engine,
{
}

impl<'bound, T, E> Handle for DmaCoherent<'bound, T, Shared<E>>
where
    T: FromBytes + IntoBytes + KnownSize + ?Sized,
    E: Engine,
{
    type Done = DmaCoherent<'bound, T, Cpu>;
    shared!(T);
    becomes_cpu!();
    by_engine!();
}

impl<P: PoolRef, E: Engine> Sealed for PoolBlock<P, Shared<E>> {}
impl<P: PoolRef, E: Engine> InFlight for PoolBlock<P, Shared<E>> {}

impl<P: PoolRef, E: Engine> Handle for PoolBlock<P, Shared<E>> {
    type Done = PoolBlock<P, Cpu>;
    shared!(P::Element);
    becomes_cpu!();
    by_engine!();
}

impl<E: Engine> Sealed for CoherentHandle<'_, E> {}
impl<E: Engine> InFlight for CoherentHandle<'_, E> {}

impl<E: Engine> Handle for CoherentHandle<'_, E> {
    contiguous!(Bidirectional);
    stays!();
    by_engine!();
}

impl<D: Direction, E: Engine> Sealed for MmioMapping<'_, D, E> {}
impl<D: Direction, E: Engine> InFlight for MmioMapping<'_, D, E> {}

impl<D: Direction, E: Engine> Handle for MmioMapping<'_, D, E> {
    contiguous!(D);
    stays!();
    by_engine!();
}

impl<B: SgBuffer, D: Direction, E: Engine> Sealed for SgAddresses<'_, B, D, E> {}
impl<B: SgBuffer, D: Direction, E: Engine> InFlight for SgAddresses<'_, B, D, E> {}

impl<B: SgBuffer, D: Direction, E: Engine> Handle for SgAddresses<'_, B, D, E> {
    type Pieces<'a> = Pieces<'a, D, E::Mark>;

    #[inline]
    unsafe fn pieces<'a>(&self) -> Pieces<'a, D, E::Mark> {
        // SAFETY: As for `SgMapping`.
        unsafe { Pieces::new(IovaSegments::of_table(self.segments())) }
    }
    stays!();
    by_engine!();
}

/// Handles in a state of the CPU, which are not [`InFlight`]: they can be named, and nothing is done with
/// them.
macro_rules! not_in_flight {
    ($(impl<$($param:tt),+> $handle:ty where [$($bounds:tt)*] is $pieces:ident of $of:ty;)+) => {
        $(
            impl<$($param),+> Sealed for $handle where $($bounds)* {}

            impl<$($param),+> Handle for $handle
            where
                $($bounds)*
            {
                // The mark that no engine has.
                type Pieces<'a> = $pieces<'a, $of, Cpu>;
                stays!();

                #[inline]
                fn is_done(&self) -> bool {
                    true
                }

                #[inline]
                fn stop(&self) -> bool {
                    true
                }

                unsafe fn pieces<'a>(&self) -> Self::Pieces<'a> {
                    // SAFETY: By the safety requirements of this function it is in a state of the
                    // device, and by its type it is not.
                    unsafe { unreachable_unchecked() }
                }

                #[inline]
                fn release(self) {
                    drop(self);
                }
            }
        )+
    };
}

not_in_flight! {
    impl<'b, B, D> DmaMapping<'b, B, D, Cpu> where [B: Contiguous, D: Direction] is Piece of D;
    impl<'b, B, D> DmaMapping<'b, B, D, Part> where [B: Contiguous, D: Direction] is Piece of D;
    impl<'b, B, D> SgMapping<'b, B, D, Cpu> where [B: SgBuffer, D: Direction] is Pieces of D;
    impl<'b, B, D> IovaMapping<'b, B, D, Cpu> where [B: SgBuffer, D: Direction] is Pieces of D;
    impl<'b, M, T, D> DmaBuffer<'b, M, T, D, Cpu> where [M: Memory, D: Direction] is Piece of D;
    impl<'b, T, D> MappedBuffer<'b, T, D, Cpu> where [D: Direction] is Piece of D;
    impl<'b, T> DmaCoherent<'b, T, Cpu> where [T: KnownSize + ?Sized] is SharedPiece of T;
    impl<P> PoolBlock<P, Cpu> where [P: PoolRef] is SharedPiece of P::Element;
}

/// What wraps a handle, and leaves it in its state.
macro_rules! by_handle {
    () => {
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
            // SAFETY: By the safety requirements of this function.
            unsafe { (**self).pieces() }
        }
    };
}

impl<H: Mappable + Handle> Sealed for Mmap<H> {}
impl<H: Mappable + InFlight> InFlight for Mmap<H> {}

impl<H: Mappable + Handle> Handle for Mmap<H> {
    type Pieces<'a> = H::Pieces<'a>;
    by_handle!();
    stays!();

    #[inline]
    fn release(self) {
        drop(self);
    }
}

impl<H: Handle> Sealed for &H {}
impl<H: InFlight> InFlight for &H {}

impl<H: Handle> Handle for &H {
    type Pieces<'a> = H::Pieces<'a>;
    by_handle!();
    stays!();

    #[inline]
    fn release(self) {
        // What is borrowed is not freed here; whoever frees it asks again.
        let _ = Handle::stop(self);
    }
}

impl<H: Handle> Sealed for Arc<H> {}
impl<H: InFlight> InFlight for Arc<H> {}

impl<H: Handle> Handle for Arc<H> {
    type Pieces<'a> = H::Pieces<'a>;
    by_handle!();
    stays!();

    #[inline]
    fn release(self) {
        // As for a reference; the last one to drop it frees it.
        let _ = Handle::stop(&self);
    }
}
