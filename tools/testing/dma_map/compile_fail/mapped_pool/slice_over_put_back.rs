// SPDX-License-Identifier: GPL-2.0
// error: E0505
// misuse: racing-cpu-access

//! A buffer that was put back is somebody else's, so no slice of it is left.

use dma_map::{
    Bidirectional,
    MappedBuffer, //
};

pub fn work(buffer: MappedBuffer<'_, u8, Bidirectional>) -> Option<u8> {
    let slice = buffer.as_slice();
    // pass: let _ = buffer.len();
    drop(buffer);
    slice.first().copied()
}
