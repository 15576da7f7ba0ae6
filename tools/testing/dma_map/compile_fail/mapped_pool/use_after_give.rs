// SPDX-License-Identifier: GPL-2.0
// error: E0382
// misuse: racing-cpu-access

//! A buffer that was given to the device is not used through the old handle.

use dma_map::{
    Bidirectional,
    Engine,
    MappedBuffer, //
};

pub fn work<E: Engine>(buffer: MappedBuffer<'_, u8, Bidirectional>, engine: E) -> usize {
    let given = buffer.give(engine);
    // pass: given.len() + given.len()
    buffer.len() + given.len()
}
