// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: racing-cpu-access

//! What may not be used by two threads at once does not become so by being DMA memory.

use core::cell::Cell;
use dma_map::{
    DmaPool,
    PoolBlock, //
};

fn shared_with_another_thread<T: Sync>(_: &T) {}

// pass: pub fn share(block: &PoolBlock<&DmaPool<'_, u32>>) {
pub fn share(block: &PoolBlock<&DmaPool<'_, Cell<u32>>>) {
    let _ = Cell::new(0);
    shared_with_another_thread(block);
}
