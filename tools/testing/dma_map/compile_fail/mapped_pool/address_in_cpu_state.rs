// SPDX-License-Identifier: GPL-2.0
// error: E0599

//! The device gets the address when it gets the buffer, and not before.

use dma_map::{
    Bidirectional,
    Engine,
    MappedBuffer, //
};
use kernel::dma::DmaAddress;

pub fn address<E: Engine>(buffer: MappedBuffer<'_, u8, Bidirectional>, engine: E) -> DmaAddress {
    let _ = &engine;
    // pass: buffer.give(engine).dma_address()
    buffer.dma_address()
}
