// SPDX-License-Identifier: GPL-2.0

//! [`MappedPool`] and [`MappedBuffer`].

mod bound;
mod cpus;
mod create;
mod end;
mod files;
mod interrupts;
mod quarantine;
mod states;
mod stress;

use crate::{
    check::*,
    context,
    device_side,
    pattern, //
};
use dma_map::{
    direction::{
        CpuReads,
        CpuWrites,
        Direction, //
    },
    state::Device,
    Bidirectional,
    DmaDevice,
    Engine,
    MappedBuffer,
    MappedPool,
    MappedPoolOptions, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

type Bytes<'b, D = Bidirectional> = MappedPool<'b, u8, D>;
type Buffer<'b> = MappedBuffer<'b, u8, Bidirectional>;

/// A pool of `max` buffers of `len` bytes, for both directions.
fn pool(dma: DmaDevice<'_>, len: usize, options: MappedPoolOptions) -> Result<Bytes<'_>> {
    MappedPool::new(dma, c"kunit", len, Bidirectional, options)
}

/// The device finds `seed` in a buffer that it has.
fn finds<D: Direction, E: Engine>(
    buffer: &MappedBuffer<'_, u8, D, Device<E>>,
    seed: u8,
) -> Result<bool> {
    device_side::finds_at(buffer.device(), buffer.dma_address(), buffer.size(), seed)
}

/// The device fills a buffer that it has with `seed`.
fn fill<D: Direction, E: Engine>(buffer: &MappedBuffer<'_, u8, D, Device<E>>, seed: u8) -> Result {
    device_side::fill_at(buffer.device(), buffer.dma_address(), buffer.size(), seed)
}

/// The CPU fills a buffer that it has with `seed`.
fn write<D: CpuWrites>(buffer: &mut MappedBuffer<'_, u8, D>, seed: u8) {
    pattern::fill(buffer.as_mut_slice(), seed, 0);
}

/// The CPU finds `seed` in a buffer that it has.
fn holds<D: CpuReads>(buffer: &MappedBuffer<'_, u8, D>, seed: u8) -> bool {
    pattern::holds(buffer.as_slice(), seed, 0)
}

/// Sends data to the device and back.
fn round_trip<'b, E: Engine>(mut buffer: Buffer<'b>, engine: E, seed: u8) -> Result<Buffer<'b>> {
    write(&mut buffer, seed);
    let buffer = buffer.give(engine);
    check!(finds(&buffer, seed)?, "the device finds what the CPU wrote");
    fill(&buffer, !seed)?;
    let buffer = buffer.complete()?;
    check!(holds(&buffer, !seed), "the CPU finds what the device wrote");
    Ok(buffer)
}

/// Takes `count` buffers, on one CPU.
fn several<'b>(pool: &Bytes<'b>, count: usize) -> Result<KVec<Buffer<'b>>> {
    let mut all = KVec::with_capacity(count, GFP_KERNEL)?;
    context::irqs_off(|| {
        for _ in 0..count {
            all.push_within_capacity(pool.take()?).map_err(|_| EINVAL)?;
        }
        Ok(())
    })
    .0
    .map(|()| all)
}

/// Where the device finds a buffer that the CPU has.
fn address(buffer: &Buffer<'_>) -> DmaAddress {
    // SAFETY: The copy is forgotten, as what it becomes, which asks no engine.
    let twin = unsafe { core::ptr::read(buffer) };
    let twin = core::mem::ManuallyDrop::new(twin.give(crate::engines::Idle));
    twin.dma_address()
}
