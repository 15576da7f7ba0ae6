// SPDX-License-Identifier: GPL-2.0
// error: E0505

//! A slice of the elements does not outlive the CPU's turn.

use dma_map::{
    Bidirectional,
    Engine,
    MappedBuffer, //
};

pub fn work<E: Engine>(buffer: MappedBuffer<'_, u8, Bidirectional>, engine: E) -> usize {
    let slice = buffer.as_slice();
    // pass: drop(engine);
    drop(buffer.give(engine));
    slice.len()
}
