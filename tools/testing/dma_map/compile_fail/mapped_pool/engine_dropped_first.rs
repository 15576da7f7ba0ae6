// SPDX-License-Identifier: GPL-2.0
// error: E0597

//! The engine lives as long as the buffers that ask it.

use dma_map::{
    Bidirectional,
    Engine,
    MappedBuffer, //
};

pub fn give<E: Engine>(buffer: MappedBuffer<'_, u8, Bidirectional>, make: impl FnOnce() -> E) {
    let given;
    {
        let engine = make();
        // pass: given = buffer.give(engine);
        given = buffer.give(&engine);
    }
    let _ = given.dma_address();
}
