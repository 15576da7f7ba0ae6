// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: pool-before-blocks

//! What keeps a pool alive is for the library to say.

use dma_map::{
    pool::PoolRef,
    DmaPool, //
};

pub struct Mine<'p>(pub &'p DmaPool<'p, u32>);

pub trait Keeps: Sized {
    type Element;

    fn pool(&self) -> &DmaPool<'_, u32>;
}

pub fn outstanding<P: PoolRef>(pool: P) {
    let _ = pool;
}

impl PoolRef for Mine<'_> {
    type Element = u32;

    fn pool(&self) -> &DmaPool<'_, u32> {
        PoolRef::pool(&self.0)
    }
}
