// SPDX-License-Identifier: GPL-2.0

//! Types of handles, and the verbs that each has.

use super::subject::*;
use crate::{
    engines::Turn,
    sample::{
        Flat,
        Sample, //
    }, //
};
use dma_map::{
    direction::Carries,
    mapping::MmioMapping,
    noncoherent::{
        DmaBuffer,
        StreamingPages, //
    },
    sg::{
        Segment,
        SgAddresses, //
    },
    Bidirectional,
    CoherentHandle,
    Cpu,
    Device,
    DmaCoherent,
    DmaMapping,
    DmaPool,
    IovaMapping,
    MappedBuffer,
    MappedPool,
    PoolBlock,
    SgMapping,
    Shared, //
};
use kernel::{
    device::{
        self,
        Bound, //
    },
    prelude::*,
    sync::Arc, //
};

/// What each handle has in a state of the device.
macro_rules! given {
    (|$given:ident| $segments:expr) => {
        fn segments(&self) -> Result<KVec<Segment>> {
            match &self.now {
                Now::Given($given) => $segments,
                _ => Err(EBADFD),
            }
        }

        fn release(&mut self) {
            drop(self.now.take());
        }

        unsafe fn quarantine(&mut self) {
            if let Now::Given(given) = &self.now {
                self.beside.leak();
                // SAFETY: By the safety requirements of this function the drop leaves all as it is.
                drop(unsafe { core::ptr::read(given) });
            }
        }

        fn outstanding(&self) -> usize {
            self.beside.outstanding()
        }
    };
}

/// What a handle has that returns to the CPU.
macro_rules! returns {
    (|$cpu:ident| $contents:expr) => {
        fn size(&self) -> usize {
            match &self.now {
                Now::Cpu(cpu) => cpu.size(),
                Now::Given(given) => given.size(),
                _ => 0,
            }
        }

        fn device(&self) -> *const device::Device<Bound> {
            match &self.now {
                Now::Cpu(cpu) => cpu.device().device(),
                Now::Given(given) => given.device().device(),
                _ => core::ptr::null(),
            }
        }

        fn holds(&self, seed: u8) -> bool {
            match &self.now {
                Now::Cpu($cpu) => $contents.holds(seed),
                Now::Back(buffer) => buffer.holds(seed),
                _ => false,
            }
        }

        fn place(&self) -> *const u8 {
            match &self.now {
                Now::Cpu($cpu) => $contents.place(),
                _ => core::ptr::null(),
            }
        }

        fn give(&mut self, turn: Turn) -> Result {
            let Now::Cpu(cpu) = self.now.take() else {
                return Err(EBADFD);
            };
            self.now = Now::Given(cpu.give(turn));
            Ok(())
        }

        fn complete(&mut self) -> Result {
            let Now::Given(given) = self.now.take() else {
                return Err(EBADFD);
            };
            let result;
            (self.now, result) = Now::after(given.complete(), Now::Cpu);
            result
        }

        fn cancel(&mut self) -> Result {
            let Now::Given(given) = self.now.take() else {
                return Err(EBADFD);
            };
            let result;
            (self.now, result) = Now::after(given.cancel(), Now::Cpu);
            result
        }
    };
}

/// What a handle has that does not return.
macro_rules! stays {
    () => {
        fn size(&self) -> usize {
            match &self.now {
                Now::Given(given) => given.size(),
                _ => 0,
            }
        }

        fn device(&self) -> *const device::Device<Bound> {
            match &self.now {
                Now::Given(given) => given.device().device(),
                _ => core::ptr::null(),
            }
        }
    };
}

/// What a mapping has whose buffer the CPU gets back.
macro_rules! unmaps {
    ($($cpu:ident)?) => {
        fn unmap(&mut self) -> Result {
            match self.now.take() {
                $(Now::Cpu($cpu) => {
                    self.now = Now::Back($cpu.unmap());
                    Ok(())
                })?
                Now::Given(given) => {
                    let result;
                    (self.now, result) = Now::after(given.unmap(), Now::Back);
                    result
                }
                _ => Err(EBADFD),
            }
        }
    };
}

/// No state of the CPU.
pub(super) enum Never {}

pub(super) type Sg<'b, B> =
    Held<SgMapping<'b, B, Bidirectional, Cpu>, SgMapping<'b, B, Bidirectional, Device<Turn>>, B>;

impl<B: Sample> Subject for Sg<'_, B> {
    given!(|given| listed(&mut given.segments()));
    returns!(|cpu| cpu.buffer());
    unmaps!(cpu);
}

pub(super) type Iova<'b, B> = Held<
    IovaMapping<'b, B, Bidirectional, Cpu>,
    IovaMapping<'b, B, Bidirectional, Device<Turn>>,
    B,
>;

impl<B: Sample> Subject for Iova<'_, B> {
    given!(|given| listed(&mut given.segments()));
    returns!(|cpu| cpu.buffer());
    unmaps!(cpu);
}

pub(super) type Single<'b, B> =
    Held<DmaMapping<'b, B, Bidirectional, Cpu>, DmaMapping<'b, B, Bidirectional, Device<Turn>>, B>;

impl<B: Flat> Subject for Single<'_, B> {
    given!(|given| one(given.dma_address(), given.size()));
    returns!(|cpu| cpu.contents());
    unmaps!(cpu);
}

pub(super) type Streaming<'b, M> =
    Held<DmaBuffer<'b, M, u8, Bidirectional>, DmaBuffer<'b, M, u8, Bidirectional, Device<Turn>>>;

impl<M: StreamingPages> Subject for Streaming<'_, M> {
    given!(|given| one(given.dma_address(), given.size()));
    returns!(|cpu| cpu.as_slice());
}

pub(super) type Pooled<'b> = Held<
    MappedBuffer<'b, u8, Bidirectional>,
    MappedBuffer<'b, u8, Bidirectional, Device<Turn>>,
    (),
    MappedPool<'b, u8, Bidirectional>,
>;

impl Subject for Pooled<'_> {
    given!(|given| one(given.dma_address(), given.size()));
    returns!(|cpu| cpu.as_slice());
}

pub(super) type Coherent<'b> = Held<DmaCoherent<'b, [u8]>, DmaCoherent<'b, [u8], Shared<Turn>>>;

impl Subject for Coherent<'_> {
    given!(|given| one(given.dma_address(), given.size()));
    returns!(|cpu| cpu[..]);
}

/// What is in a block.
pub(super) type Bytes = [u8; 1000];

pub(super) type Borrowed<'b> = Held<
    PoolBlock<&'b DmaPool<'b, Bytes>>,
    PoolBlock<&'b DmaPool<'b, Bytes>, Shared<Turn>>,
    (),
    KBox<DmaPool<'b, Bytes>>,
>;

impl Subject for Borrowed<'_> {
    given!(|given| one(given.dma_address(), given.size()));
    returns!(|cpu| cpu[..]);
}

pub(super) type Counted<'b> = Held<
    PoolBlock<Arc<DmaPool<'b, Bytes>>>,
    PoolBlock<Arc<DmaPool<'b, Bytes>>, Shared<Turn>>,
    (),
    Arc<DmaPool<'b, Bytes>>,
>;

impl Subject for Counted<'_> {
    given!(|given| one(given.dma_address(), given.size()));
    returns!(|cpu| cpu[..]);
}

pub(super) type Addresses<'b, B> = Held<Never, SgAddresses<'b, B, Bidirectional, Turn>, B>;

impl<B: Sample> Subject for Addresses<'_, B> {
    given!(|given| listed(&mut given.segments()));
    stays!();
    unmaps!();

    fn holds(&self, seed: u8) -> bool {
        matches!(&self.now, Now::Back(buffer) if Sample::holds(buffer, seed))
    }
}

pub(super) type Window<'b> = Held<Never, MmioMapping<'b, Bidirectional, Turn>>;

impl Subject for Window<'_> {
    given!(|given| one(given.dma_address(), given.size()));
    stays!();
    unmaps!();
}

pub(super) type Unmapped<'b> = Held<Never, CoherentHandle<'b, Turn>>;

impl Subject for Unmapped<'_> {
    given!(|given| one(given.dma_address(), given.size()));
    stays!();
}

/// A mapping in another direction, of which the drop makes a difference.
pub(super) type SgOneWay<'b, B, D> = Held<Never, SgMapping<'b, B, D, Device<Turn>>>;

impl<B: Sample, D: Carries<u8>> Subject for SgOneWay<'_, B, D> {
    given!(|given| listed(&mut given.segments()));
    stays!();
}

/// The same of one piece.
pub(super) type SingleOneWay<'b, B, D> = Held<Never, DmaMapping<'b, B, D, Device<Turn>>>;

impl<B: Flat, D: Carries<u8>> Subject for SingleOneWay<'_, B, D> {
    given!(|given| one(given.dma_address(), given.size()));
    stays!();
}
