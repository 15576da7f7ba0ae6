// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! A block has the lifetime of the borrow of its pool, and no other.

use dma_map::{
    DmaPool,
    PoolBlock, //
};

pub type Block<'pool, 'bound> = PoolBlock<&'pool DmaPool<'bound, u64>>;

pub fn shorten<'short, 'pool: 'short, 'bound>(
    block: Block<'pool, 'bound>,
    _until: &'short (),
    // pass: ) -> Block<'pool, 'bound> {
) -> Block<'short, 'bound> {
    block
}
