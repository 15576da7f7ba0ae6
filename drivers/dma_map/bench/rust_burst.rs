// SPDX-License-Identifier: GPL-2.0

//! Benchmark: take many buffers from a mapped pool, then put back all of them.
//!
//! The cache of a CPU holds fewer, so that many go from and to the reserve. C maps many buffers, and
//! then unmaps all of them.

use crate::{
    engine::Idle,
    operation::{
        Opened,
        Operation,
        Prepared, //
    }, //
};
use core::hint::black_box;
use dma_map::{
    state::Device,
    DmaDevice,
    FromDevice,
    MappedBuffer,
    MappedPool,
    MappedPoolOptions, //
};
use kernel::{
    cpu::nr_cpu_ids,
    prelude::*, //
};

/// The same number as in `c_burst.c`.
const BURST: usize = 8192;

/// The size of a CPU's cache.
const CACHE: usize = BURST / 2;

const SIZE: usize = 64;

type Given<'b> = MappedBuffer<'b, u8, FromDevice, Device<Idle>>;

struct Shared<'b> {
    pool: MappedPool<'b, u8, FromDevice>,
}

impl<'b> Shared<'b> {
    fn new(dev: DmaDevice<'b>) -> Result<Self> {
        // The caches of all CPUs together hold at most half of the buffers.
        let max = CACHE.checked_mul(2 * nr_cpu_ids() as usize).ok_or(EINVAL)?;
        let options = MappedPoolOptions::new(max).cache(CACHE);

        Ok(Self {
            pool: MappedPool::new(dev, c"dma_map_bench", SIZE, FromDevice, options)?,
        })
    }
}

impl Opened for Shared<'_> {
    fn prepare(&self) -> Result<KBox<dyn Prepared + '_>> {
        let burst = Burst {
            pool: &self.pool,
            given: KVVec::with_capacity(BURST, GFP_KERNEL)?,
        };
        Ok(KBox::new(burst, GFP_KERNEL)?)
    }
}

struct Burst<'p, 'b> {
    pool: &'p MappedPool<'b, u8, FromDevice>,
    given: KVVec<Given<'b>>,
}

impl Prepared for Burst<'_, '_> {
    fn run(&mut self, loops: usize) -> Result {
        rust_mapped_pool_burst(self, loops)
    }
}

#[inline(never)]
fn rust_mapped_pool_burst(burst: &mut Burst<'_, '_>, loops: usize) -> Result {
    for _ in 0..loops {
        for _ in 0..BURST {
            let buffer = burst.pool.take()?.give(Idle);
            black_box(buffer.dma_address());
            burst
                .given
                .push_within_capacity(buffer)
                .map_err(|_| EINVAL)?;
        }
        while let Some(buffer) = burst.given.pop() {
            drop(buffer.complete()?);
        }
    }
    Ok(())
}

pub(crate) const TABLE: &[Operation] = &[Operation {
    name: "mapped_pool_burst",
    open: |dev, live| {
        if live != 0 {
            return Err(EOPNOTSUPP);
        }
        Ok(KBox::new(Shared::new(dev)?, GFP_KERNEL)?)
    },
}];
