// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: pool-before-blocks

//! What keeps a pool alive is for the library to say.

use dma_map::{
    pool::PoolRef,
    DmaPool, //
};

pub struct Mine<'p>(pub &'p DmaPool<'p, u32>);

pub fn outstanding<P: PoolRef>(pool: P) {
    let _ = pool;
}

pub fn keep(mine: Mine<'_>) {
    // pass: outstanding(mine.0);
    outstanding(mine);
}
