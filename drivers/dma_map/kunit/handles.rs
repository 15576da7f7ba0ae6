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
    descriptor_ring::{
        Capacity,
        Completes,
        DescriptorRing,
        Lap,
        Progress,
        Protocol, //
    },
    queue::{
        Commands,
        CompletionQueue,
        SubmissionQueue,
        Tagged, //
    },
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
    MappedBuffer,
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

/// A protocol whose slots are numbers: 0 is none.
struct Words;

impl Protocol for Words {
    type Slot = u64;
    type Sign = u32;
    const CAPACITY: Capacity = Capacity::AllButOne;

    fn progress(sign: u32, _: Lap) -> Progress {
        if sign == u32::MAX {
            Progress::Done
        } else {
            Progress::Pending
        }
    }
}

impl Tagged for Words {
    type Command = u64;
    const TAG_BITS: u32 = 16;

    fn set_tag(_: &mut u64, _: u32) {}

    fn tag(entry: &u64) -> u32 {
        *entry as u32
    }
}

// SAFETY: There is no device, so nothing accesses the memory, whatever the slots say.
unsafe impl Completes<Words> for Idle {}

// SAFETY: There is no device, so nothing accesses the memory, whatever the slots say.
unsafe impl Completes<Words> for Scripted {}

type Buffer<'b> = MappedBuffer<'b, u8, Bidirectional>;

fn words(dma: DmaDevice<'_>) -> Result<DmaCoherent<'_, [u64]>> {
    DmaCoherent::zeroed_slice(dma, 8, Gfp::Kernel)
}

/// A ring with a buffer in it.
fn descriptors<'b, E: Completes<Words>>(
    dma: DmaDevice<'b>,
    engine: E,
) -> Result<DescriptorRing<'b, Words, E, Buffer<'b>>> {
    let mut ring = DescriptorRing::new(words(dma)?, engine)?;
    ring.post(mapped_pool(dma)?.take()?, |_| Ok(1))?;
    Ok(ring)
}

fn submissions<'b, E: Engine>(
    dma: DmaDevice<'b>,
    engine: E,
) -> Result<SubmissionQueue<'b, u64, E>> {
    SubmissionQueue::new(words(dma)?, engine)
}

fn completions<'b, E: Completes<Words>>(
    dma: DmaDevice<'b>,
    engine: E,
) -> Result<CompletionQueue<'b, Words, E>> {
    CompletionQueue::new(words(dma)?, engine)
}

/// A table with a buffer in it. Its completion queue is dropped: nothing was completed.
fn commands<'b, E: Completes<Words> + Clone>(
    dma: DmaDevice<'b>,
    engine: E,
) -> Result<Commands<'b, Words, E, Buffer<'b>>> {
    let queue = words(dma)?;
    let mut completions = completions(dma, engine)?;
    let mut commands = Commands::new(queue, &mut completions, 4)?;
    commands.post(mapped_pool(dma)?.take()?, |_| Ok(1))?;
    Ok(commands)
}
