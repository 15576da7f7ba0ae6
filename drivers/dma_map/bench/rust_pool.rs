// SPDX-License-Identifier: GPL-2.0

//! Benchmark: allocate and free a zeroed block of a DMA pool. All threads share the pool.

use crate::operation::{
    Entry,
    Opened,
    Operation,
    Prepared, //
};
use dma_map::{
    DmaDevice,
    DmaPool,
    Gfp,
    PoolBlock, //
};
use kernel::{
    macros::paste,
    prelude::*,
    sizes::SZ_1K,
    sync::Arc, //
};

type Pool<'b, const N: usize> = DmaPool<'b, [u8; N]>;

struct Shared<'b, const N: usize> {
    pool: Arc<Pool<'b, N>>,
    run: for<'x, 'y> fn(&mut Taker<'x, 'y, N>, usize) -> Result,
    _held: KVVec<PoolBlock<Arc<Pool<'b, N>>>>,
}

struct Taker<'p, 'b, const N: usize> {
    pool: &'p Pool<'b, N>,
    run: Entry<Self>,
}

impl<'b, const N: usize> Shared<'b, N> {
    fn new(
        dev: DmaDevice<'b>,
        live: usize,
        run: for<'x, 'y> fn(&mut Taker<'x, 'y, N>, usize) -> Result,
    ) -> Result<Self> {
        let pool = Arc::new(DmaPool::new(dev, c"dma_map_bench")?, GFP_KERNEL)?;
        let mut held = KVVec::with_capacity(live, GFP_KERNEL)?;
        for _ in 0..live {
            held.push(PoolBlock::zeroed(pool.clone(), Gfp::Kernel)?, GFP_KERNEL)?;
        }

        Ok(Self {
            pool,
            run,
            _held: held,
        })
    }
}

impl<const N: usize> Opened for Shared<'_, N> {
    fn prepare(&self) -> Result<KBox<dyn Prepared + '_>> {
        let taker = Taker {
            pool: &self.pool,
            run: self.run,
        };
        Ok(KBox::new(taker, GFP_KERNEL)?)
    }
}

impl<const N: usize> Prepared for Taker<'_, '_, N> {
    fn run(&mut self, loops: usize) -> Result {
        (self.run)(self, loops)
    }
}

#[inline(always)]
fn take_put<const N: usize>(taker: &mut Taker<'_, '_, N>, loops: usize) -> Result {
    for _ in 0..loops {
        drop(PoolBlock::zeroed(taker.pool, Gfp::Kernel)?);
    }
    Ok(())
}

macro_rules! operations {
    ($($name:ident, $size:expr;)*) => { paste! {
        $(
            #[inline(never)]
            fn [<rust_ $name>](taker: &mut Taker<'_, '_, { $size }>, loops: usize) -> Result {
                take_put(taker, loops)
            }
        )*

        pub(crate) const TABLE: &[Operation] = &[$(
            Operation {
                name: stringify!($name),
                open: |dev, live| {
                    let shared = Shared::new(dev, live, [<rust_ $name>])?;
                    Ok(KBox::new(shared, GFP_KERNEL)?)
                },
            },
        )*];
    } };
}

operations! {
    pool_64, 64;
    pool_1k, SZ_1K;
}
