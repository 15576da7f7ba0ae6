// SPDX-License-Identifier: GPL-2.0
// error: E0308
// misuse: free-wrong-function

//! A buffer of a pool is not freed as pages are.

use dma_map::{
    DmaPages,
    MappedBuffer,
    ToDevice, //
};

pub fn free(memory: DmaPages<'_, u8, ToDevice>) {
    drop(memory);
}

pub fn run(_buffer: MappedBuffer<'_, u8, ToDevice>, _pages: DmaPages<'_, u8, ToDevice>) {
    // pass: free(_pages);
    free(_buffer);
}
