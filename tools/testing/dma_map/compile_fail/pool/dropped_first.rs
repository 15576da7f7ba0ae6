// SPDX-License-Identifier: GPL-2.0
// error: E0505
// misuse: pool-before-blocks

//! A pool cannot be dropped before its blocks.

use dma_map::{
    DmaPool,
    Gfp,
    PoolBlock, //
};
use kernel::prelude::*;

pub fn take(pool: DmaPool<'_, u64>) -> Result<u64> {
    let block = PoolBlock::zeroed(&pool, Gfp::Kernel)?;
    // pass: let _ = pool.outstanding();
    drop(pool);
    Ok(*block)
}
