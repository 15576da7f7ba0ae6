// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: racing-cpu-access

//! What may not be used by two threads at once does not become so by being DMA memory.

use core::cell::Cell;
use dma_map::{
    Bidirectional,
    MappedBuffer, //
};

fn shared_with_another_thread<T: Sync>(_: &T) {}

// pass: pub fn share(buffer: &MappedBuffer<'_, u32, Bidirectional>) {
pub fn share(buffer: &MappedBuffer<'_, Cell<u32>, Bidirectional>) {
    let _ = Cell::new(0);
    shared_with_another_thread(buffer);
}
