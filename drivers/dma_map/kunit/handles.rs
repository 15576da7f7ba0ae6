// SPDX-License-Identifier: GPL-2.0

//! Every handle at unbind: leaked, kept, or dropped where memory may not be freed.

mod forgotten;
mod kept;

use crate::{
    check::*,
    engines::{
        Idle,
        Scripted, //
    },
    fixture::*, //
};
use dma_map::{
    ring::{
        Consumer,
        InMemory,
        Producer, //
    },
    state::{
        Device,
        Shared, //
    },
    Bidirectional,
    DmaCoherent,
    DmaDevice,
    DmaNoncontiguous,
    DmaPages,
    DmaPool,
    Engine,
    Gfp,
    MappedPool,
    MappedPoolOptions,
    Mmap,
    SgMapping, //
};
use kernel::{
    dma::DmaAddress,
    page::PAGE_SIZE,
    prelude::*, //
};

/// More than a page, and not whole pages.
const LEN: usize = 5000;

fn buffer() -> Result<KVec<u8>> {
    Ok(KVec::from_elem(0x11, LEN, GFP_KERNEL)?)
}

fn shared<'b, E: Engine>(
    dma: DmaDevice<'b>,
    len: usize,
    engine: E,
) -> Result<DmaCoherent<'b, [u8], Shared<E>>> {
    Ok(DmaCoherent::zeroed_slice(dma, len, Gfp::Kernel)?.give(engine))
}

fn list<'b, E: Engine>(
    dma: DmaDevice<'b>,
    engine: E,
) -> Result<SgMapping<'b, KVec<u8>, Bidirectional, Device<E>>> {
    map_sg(dma, buffer()?, Bidirectional, engine)
}

fn pages<'b, E: Engine>(
    dma: DmaDevice<'b>,
    len: usize,
    engine: E,
) -> Result<DmaPages<'b, u8, Bidirectional, Device<E>>> {
    Ok(DmaPages::alloc(dma, len, Bidirectional, Gfp::Kernel)?.give(engine))
}

fn noncontiguous<'b, E: Engine>(
    dma: DmaDevice<'b>,
    len: usize,
    engine: E,
) -> Result<DmaNoncontiguous<'b, u8, Bidirectional, Device<E>>> {
    Ok(DmaNoncontiguous::alloc(dma, len, Bidirectional)?.give(engine))
}

fn mapped_pool(dma: DmaDevice<'_>) -> Result<MappedPool<'_, u8, Bidirectional>> {
    MappedPool::new(
        dma,
        c"kunit",
        500,
        Bidirectional,
        MappedPoolOptions::new(20),
    )
}

fn counters<'b, E: Engine>(dma: DmaDevice<'b>, engine: E) -> Result<InMemory<'b, E>> {
    InMemory::new(dma, engine, Gfp::Kernel)
}

fn producer<'b, E: Engine + Clone>(
    dma: DmaDevice<'b>,
    engine: E,
) -> Result<Producer<'b, u8, E, InMemory<'b, E>>> {
    Producer::new(shared(dma, 64, engine.clone())?, counters(dma, engine)?)
}

fn consumer<'b, E: Engine + Clone>(
    dma: DmaDevice<'b>,
    engine: E,
) -> Result<Consumer<'b, u8, E, InMemory<'b, E>>> {
    Consumer::new(shared(dma, 64, engine.clone())?, counters(dma, engine)?)
}
