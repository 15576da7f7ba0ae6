// SPDX-License-Identifier: GPL-2.0
// error: E0599

//! The device gets the address when the block is shared, and not before.

use dma_map::{
    pool::PoolRef,
    Engine,
    PoolBlock, //
};
use kernel::dma::DmaAddress;

pub fn address<P: PoolRef, E: Engine>(block: PoolBlock<P>, engine: E) -> DmaAddress {
    let _ = &engine;
    // pass: block.give(engine).dma_address()
    block.dma_address()
}
