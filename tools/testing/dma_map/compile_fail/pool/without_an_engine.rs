// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! A block that a device reaches has an engine to be asked.

use dma_map::{
    pool::PoolRef,
    Engine,
    PoolBlock, //
};

pub fn share<P: PoolRef, E: Engine>(block: PoolBlock<P>, engine: E) {
    // pass: let _ = ((), block.give(engine));
    let _ = (&engine, block.give(()));
}
