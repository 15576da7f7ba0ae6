// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: free-not-allocated

//! One handle, one owner: it puts the buffer back.

use dma_map::{
    MappedBuffer,
    ToDevice, //
};

pub fn copy(buffer: MappedBuffer<'_, u8, ToDevice>) {
    // pass: let other = buffer;
    let other = MappedBuffer::clone(&buffer);
    drop(other);
}
