// SPDX-License-Identifier: GPL-2.0

//! Benchmark: take a buffer from a mapped pool, give it to the device, complete it, and put it back.
//!
//! Or keep the buffer, and only give and complete it. C maps and unmaps a buffer instead. All threads
//! share the pool.

use crate::{
    engine::Idle,
    operation::{
        Entry,
        Opened,
        Operation,
        Prepared, //
    }, //
};
use core::hint::black_box;
use dma_map::{
    DmaDevice,
    FromDevice,
    MappedBuffer,
    MappedPool,
    MappedPoolOptions, //
};
use kernel::{
    macros::paste,
    prelude::*,
    sizes::{
        SZ_4K,
        SZ_64K, //
    },
    sync::Arc, //
};

/// More buffers than all threads have at a time, in addition to the live ones.
const SPARE: usize = 256;

type Pool<'b> = MappedPool<'b, u8, FromDevice>;

type Run = for<'x, 'y> fn(&mut Taker<'x, 'y>, usize) -> Result;

struct Shared<'b> {
    pool: Arc<Pool<'b>>,
    run: Run,
    _held: KVVec<MappedBuffer<'b, u8, FromDevice>>,
}

struct Taker<'p, 'b> {
    pool: &'p Pool<'b>,
    kept: Option<MappedBuffer<'b, u8, FromDevice>>,
    run: Entry<Self>,
}

impl<'b> Shared<'b> {
    fn new(dev: DmaDevice<'b>, live: usize, len: usize, run: Run) -> Result<Self> {
        let max = live.checked_add(SPARE).ok_or(EINVAL)?;
        let options = MappedPoolOptions::new(max).prefill(live);
        let pool = MappedPool::new(dev, c"dma_map_bench", len, FromDevice, options)?;
        let mut held = KVVec::with_capacity(live, GFP_KERNEL)?;
        for _ in 0..live {
            held.push(pool.take()?, GFP_KERNEL)?;
        }

        Ok(Self {
            pool: Arc::new(pool, GFP_KERNEL)?,
            run,
            _held: held,
        })
    }
}

impl Opened for Shared<'_> {
    fn prepare(&self) -> Result<KBox<dyn Prepared + '_>> {
        let taker = Taker {
            pool: &self.pool,
            kept: None,
            run: self.run,
        };
        Ok(KBox::new(taker, GFP_KERNEL)?)
    }
}

impl Prepared for Taker<'_, '_> {
    fn run(&mut self, loops: usize) -> Result {
        (self.run)(self, loops)
    }
}

/// Gives the buffer to the device, computes the address that it would be told, and completes it.
#[inline(always)]
fn turn<'b>(buffer: MappedBuffer<'b, u8, FromDevice>) -> Result<MappedBuffer<'b, u8, FromDevice>> {
    let buffer = buffer.give(Idle);
    black_box(buffer.dma_address());
    Ok(buffer.complete()?)
}

#[inline(always)]
fn take_put(taker: &mut Taker<'_, '_>, loops: usize) -> Result {
    for _ in 0..loops {
        drop(turn(taker.pool.take()?)?);
    }
    Ok(())
}

#[inline(always)]
fn keep(taker: &mut Taker<'_, '_>, loops: usize) -> Result {
    let mut kept = match taker.kept.take() {
        Some(kept) => kept,
        None => taker.pool.take()?,
    };
    for _ in 0..loops {
        kept = turn(kept)?;
    }
    taker.kept = Some(kept);
    Ok(())
}

macro_rules! operations {
    ($($name:ident, $size:expr, $loop:ident;)*) => { paste! {
        $(
            #[inline(never)]
            fn [<rust_ $name>](taker: &mut Taker<'_, '_>, loops: usize) -> Result {
                $loop(taker, loops)
            }
        )*

        pub(crate) const TABLE: &[Operation] = &[$(
            Operation {
                name: stringify!($name),
                open: |dev, live| {
                    let shared = Shared::new(dev, live, $size, [<rust_ $name>])?;
                    Ok(KBox::new(shared, GFP_KERNEL)?)
                },
            },
        )*];
    } };
}

operations! {
    mapped_pool_64, 64, take_put;
    mapped_pool_4k, SZ_4K, take_put;
    mapped_pool_64k, SZ_64K, take_put;
    mapped_pool_kept_4k, SZ_4K, keep;
}
