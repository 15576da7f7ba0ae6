// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: free-not-allocated

//! One handle, one owner: it puts the block back.

use dma_map::{
    DmaPool,
    PoolBlock, //
};

pub fn copy(block: PoolBlock<&DmaPool<'_, u32>>) {
    // pass: let other = block;
    let other = PoolBlock::clone(&block);
    drop(other);
}
