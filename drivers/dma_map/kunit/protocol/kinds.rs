// SPDX-License-Identifier: GPL-2.0

//! Kinds of handles, and how each is made.

use super::{
    subject::Handle,
    types::*, //
};
use crate::{
    device_side,
    engines::{
        Idle,
        Turn, //
    },
    fixture::*,
    pattern,
    sample::{
        Flat,
        Sample, //
    }, //
};
use dma_map::{
    direction::Carries,
    mapping::{
        MmioMapping,
        MmioWindow,
        Pages, //
    },
    Bidirectional,
    CoherentHandle,
    DmaCoherent,
    DmaDevice,
    DmaNoncontiguous,
    DmaPages,
    DmaPool,
    Engine,
    FromDevice,
    Gfp,
    MappedPool,
    MappedPoolOptions,
    PageList,
    PoolBlock,
    ToDevice, //
};
use kernel::{
    device::{
        Bound,
        Core, //
    },
    page::PAGE_SIZE,
    pci,
    prelude::*,
    sync::Arc, //
};

type Made<'b> = Result<Handle<'b>>;

/// What a handle is made of.
pub(super) struct New<'p, 'b, 'c> {
    pub(super) probe: &'p Probe<'b, 'c>,
    pub(super) dma: DmaDevice<'b>,
    pub(super) len: usize,
    pub(super) turn: Turn,
}

type Make = for<'b> fn(New<'_, 'b, '_>) -> Made<'b>;

/// A kind of handle.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// Gives the device memory that holds the pattern 1.
    pub(super) make: Make,
    pub(super) sizes: &'static [usize],
    /// Whether it has memory, which the CPU finds as the device does.
    pub(super) is_memory: bool,
    /// Whether a device has such a handle.
    pub(super) is_here: for<'b> fn(&Probe<'b, '_>, DmaDevice<'b>) -> bool,
}

/// Lists kinds that each device has: the function that makes one, its types, and its sizes.
macro_rules! kinds {
    ($($make:ident $([$($ty:ty),*])?: $sizes:expr;)*) => {
        &[$(Kind {
            name: concat!(stringify!($make), " ", $(stringify!($($ty),*))?),
            make: $make$(::<$($ty),*>)?,
            sizes: $sizes,
            is_memory: true,
            is_here: |_, _| true,
        }),*]
    };
}

/// More than two pages, and not whole ones.
const SIZES: &[usize] = &[9000];

/// Mappings, whose buffer comes back.
pub(super) const MAPPINGS: &[Kind] = kinds! {
    sg [KVec<u8>]: SIZES;
    sg [VVec<u8>]: SIZES;
    sg [KVVec<u8>]: SIZES;
    sg [PageList]: SIZES;
    single [KVec<u8>]: SIZES;
    single [KVVec<u8>]: SIZES;
    single [KBox<[u8]>]: SIZES;
    single [Pages]: SIZES;
};

/// The same at addresses that an IOMMU links, if there is one.
pub(super) const LINKED: &[Kind] = kinds! {
    iova [KVec<u8>]: SIZES;
    iova [VVec<u8>]: SIZES;
    iova [KVVec<u8>]: SIZES;
    iova [PageList]: SIZES;
};

/// Memory that was allocated for the device.
pub(super) const MEMORY: &[Kind] = kinds! {
    pages: SIZES;
    noncontiguous: SIZES;
    coherent: &[1, PAGE_SIZE, PAGE_SIZE + 1, 65537];
    borrowed: &[size_of::<Bytes>()];
    counted: &[size_of::<Bytes>()];
};

/// Buffers of a pool, which stay mapped.
pub(super) const POOLED: &[Kind] = kinds! {
    pooled: SIZES;
};

/// Mappings without memory of the CPU, whose buffer comes back.
pub(super) const ADDRESSES: &[Kind] = kinds! {
    addresses [KVec<u8>]: SIZES;
    addresses [VVec<u8>]: SIZES;
    addresses [KVVec<u8>]: SIZES;
    addresses [PageList]: SIZES;
};

/// Memory that is never the CPU's.
pub(super) const UNMAPPED: &[Kind] = kinds! {
    unmapped: SIZES;
};

/// I/O memory.
pub(super) const WINDOWS: &[Kind] = &[Kind {
    name: "window",
    make: window,
    sizes: &[64],
    is_memory: false,
    is_here: has_window,
}];

/// Mappings in the other directions, of which the drop makes a difference.
pub(super) const ONE_WAY: &[Kind] = kinds! {
    sg_one_way [KVec<u8>, ToDevice]: SIZES;
    sg_one_way [KVec<u8>, FromDevice]: SIZES;
    sg_one_way [VVec<u8>, ToDevice]: SIZES;
    sg_one_way [VVec<u8>, FromDevice]: SIZES;
    sg_one_way [KVVec<u8>, ToDevice]: SIZES;
    sg_one_way [KVVec<u8>, FromDevice]: SIZES;
    sg_one_way [PageList, ToDevice]: SIZES;
    sg_one_way [PageList, FromDevice]: SIZES;
    single_one_way [KVec<u8>, ToDevice]: SIZES;
    single_one_way [KVec<u8>, FromDevice]: SIZES;
    single_one_way [KVVec<u8>, ToDevice]: SIZES;
    single_one_way [KVVec<u8>, FromDevice]: SIZES;
    single_one_way [KBox<[u8]>, ToDevice]: SIZES;
    single_one_way [KBox<[u8]>, FromDevice]: SIZES;
    single_one_way [Pages, ToDevice]: SIZES;
    single_one_way [Pages, FromDevice]: SIZES;
};

/// A direction that is not both.
trait OneWay: Carries<u8> {
    const THIS: Self;
}

impl OneWay for ToDevice {
    const THIS: Self = ToDevice;
}

impl OneWay for FromDevice {
    const THIS: Self = FromDevice;
}

fn sg<'b, B: Sample>(new: New<'_, 'b, '_>) -> Made<'b> {
    let buffer = B::sample(new.len, 1)?;
    let mapping = map_sg(new.dma, buffer, Bidirectional, new.turn)?;
    Sg::boxed(mapping, ())
}

fn sg_one_way<'b, B: Sample, D: OneWay>(new: New<'_, 'b, '_>) -> Made<'b> {
    let mapping = map_sg(new.dma, B::sample(new.len, 1)?, D::THIS, new.turn)?;
    SgOneWay::boxed(mapping, ())
}

fn iova<'b, B: Sample>(new: New<'_, 'b, '_>) -> Made<'b> {
    let buffer = B::sample(new.len, 1)?;
    let mapping = map_iova(new.dma, buffer, Bidirectional, new.turn)?;
    Iova::boxed(mapping, ())
}

fn single<'b, B: Flat>(new: New<'_, 'b, '_>) -> Made<'b> {
    let buffer = B::sample(new.len, 1)?;
    let mapping = map_single(new.dma, buffer, Bidirectional, new.turn)?;
    Single::boxed(mapping, ())
}

fn single_one_way<'b, B: Flat, D: OneWay>(new: New<'_, 'b, '_>) -> Made<'b> {
    let buffer = B::sample(new.len, 1)?;
    let mapping = map_single(new.dma, buffer, D::THIS, new.turn)?;
    SingleOneWay::boxed(mapping, ())
}

fn pages<'b>(new: New<'_, 'b, '_>) -> Made<'b> {
    let mut memory = DmaPages::alloc(new.dma, new.len, Bidirectional, Gfp::Kernel)?;
    pattern::fill(memory.as_mut_slice(), 1, 0);
    Streaming::boxed(memory.give(new.turn), ())
}

fn noncontiguous<'b>(new: New<'_, 'b, '_>) -> Made<'b> {
    let mut memory = DmaNoncontiguous::alloc(new.dma, new.len, Bidirectional)?;
    pattern::fill(memory.as_mut_slice(), 1, 0);
    Streaming::boxed(memory.give(new.turn), ())
}

fn coherent<'b>(new: New<'_, 'b, '_>) -> Made<'b> {
    let mut memory = DmaCoherent::<[u8]>::zeroed_slice(new.dma, new.len, Gfp::Kernel)?;
    pattern::fill(&mut memory, 1, 0);
    Coherent::boxed(memory.give(new.turn), ())
}

fn borrowed<'b>(new: New<'_, 'b, '_>) -> Made<'b> {
    let pool = KBox::new(DmaPool::new(new.dma, c"borrowed")?, GFP_KERNEL)?;
    let place = &raw const *pool;
    // SAFETY: The pool is beside the block, so that it is dropped after it, and does not move.
    let pool_of_block: &'b DmaPool<'b, Bytes> = unsafe { &*place };
    let mut block = PoolBlock::zeroed(pool_of_block, Gfp::Kernel)?;
    pattern::fill(&mut block[..], 1, 0);
    Borrowed::boxed(block.give(new.turn), pool)
}

fn counted<'b>(new: New<'_, 'b, '_>) -> Made<'b> {
    let pool = Arc::new(DmaPool::<Bytes>::new(new.dma, c"counted")?, GFP_KERNEL)?;
    let mut block = PoolBlock::zeroed(pool.clone(), Gfp::Kernel)?;
    pattern::fill(&mut block[..], 1, 0);
    Counted::boxed(block.give(new.turn), pool)
}

fn pooled<'b>(new: New<'_, 'b, '_>) -> Made<'b> {
    let pool = MappedPool::new(
        new.dma,
        c"kunit",
        new.len,
        Bidirectional,
        MappedPoolOptions::new(1),
    )?;
    let mut buffer = pool.take()?;
    pattern::fill(buffer.as_mut_slice(), 1, 0);
    Pooled::boxed(buffer.give(new.turn), pool)
}

fn addresses<'b, B: Sample>(new: New<'_, 'b, '_>) -> Made<'b> {
    let buffer = B::sample(new.len, 1)?;
    let mapping = map_sg(new.dma, buffer, Bidirectional, new.turn)?;
    Addresses::boxed(mapping.into_addresses(Gfp::Kernel)?, ())
}

fn unmapped<'b>(new: New<'_, 'b, '_>) -> Made<'b> {
    let memory = CoherentHandle::alloc(new.dma, new.len, new.turn, Gfp::Kernel)?;
    device_side::fill_at(new.dma, memory.dma_address(), new.len, 1)?;
    Unmapped::boxed(memory, ())
}

/// Maps the first BAR of the function for the function.
fn map_window<'b, E: Engine>(
    probe: &Probe<'b, '_>,
    dma: DmaDevice<'b>,
    engine: E,
) -> Result<MmioMapping<'b, Bidirectional, E>> {
    let core: &'b pci::Device<Core<'_>> = probe.pci().ok_or(ENODEV)?;
    let function: &'b pci::Device<Bound> = core;
    MmioMapping::map(dma, MmioWindow::of_bar(function, 0)?, Bidirectional, engine)
}

/// Whether the function is mapped in place, also under `swiotlb=force`.
fn has_window<'b>(probe: &Probe<'b, '_>, dma: DmaDevice<'b>) -> bool {
    map_window(probe, dma, Idle).is_ok()
}

fn window<'b>(new: New<'_, 'b, '_>) -> Made<'b> {
    Window::boxed(map_window(new.probe, new.dma, new.turn)?, ())
}
