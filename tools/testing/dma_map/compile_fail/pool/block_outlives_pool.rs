// SPDX-License-Identifier: GPL-2.0
// error: E0597
// misuse: pool-before-blocks

//! A block that borrows its pool ends before it; one that counts keeps it.

use dma_map::{
    DmaDevice,
    DmaPool,
    Gfp,
    PoolBlock, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

pub fn take(dma: DmaDevice<'_>) -> Result<u64> {
    let block;
    {
        let pool = Arc::new(DmaPool::<u64>::new(dma, c"pool")?, GFP_KERNEL)?;
        // pass: block = PoolBlock::zeroed(pool, Gfp::Kernel)?;
        block = PoolBlock::zeroed(&*pool, Gfp::Kernel)?;
    }
    Ok(*block)
}
