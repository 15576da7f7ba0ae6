// SPDX-License-Identifier: GPL-2.0
// error: E0599

//! The device gets the address when the memory is shared, and not before.

use dma_map::{
    DmaCoherent,
    Engine, //
};
use kernel::dma::DmaAddress;

pub fn address<E: Engine>(memory: DmaCoherent<'_, [u32]>, engine: E) -> DmaAddress {
    let _ = &engine;
    // pass: memory.give(engine).dma_address()
    memory.dma_address()
}
