// SPDX-License-Identifier: GPL-2.0
// error: E0061

//! What a block needs of its pool shortens a lifetime: that is the crate's own affair.

use dma_map::{
    pool::PoolRef,
    DmaPool, //
};

pub fn pool<'s>(pool: &'s &'s DmaPool<'_, u64>) -> usize {
    // pass: let _ = pool;
    let _ = PoolRef::pool(pool);
    0
}
