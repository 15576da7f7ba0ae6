// SPDX-License-Identifier: GPL-2.0
// error: E0614
// misuse: reference-into-shared

//! A shared block is never behind a reference.

use dma_map::{
    Busy,
    DmaPool,
    Engine,
    PoolBlock,
    Shared, //
};

pub type Block<'p, E> = PoolBlock<&'p DmaPool<'p, u32>, Shared<E>>;

pub fn value<E: Engine>(block: Block<'_, E>) -> Result<u32, Busy<Block<'_, E>>> {
    // pass: let value = *block.complete()?;
    let value = *block;
    Ok(value)
}
