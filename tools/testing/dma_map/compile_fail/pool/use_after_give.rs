// SPDX-License-Identifier: GPL-2.0
// error: E0382

//! Sharing consumes the handle that the CPU had for itself.

use dma_map::{
    DmaPool,
    Engine,
    PoolBlock, //
};

pub type Block<'p> = PoolBlock<&'p DmaPool<'p, u32>>;

pub fn share<E: Engine>(mut block: Block<'_>, engine: E) {
    *block = 1;
    let shared = block.give(engine);
    // pass: let _ = shared.view();
    *block = 2;
    let _ = shared.dma_address();
}
