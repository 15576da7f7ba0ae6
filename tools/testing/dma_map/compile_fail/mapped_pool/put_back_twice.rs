// SPDX-License-Identifier: GPL-2.0
// error: E0382
// misuse: free-not-allocated

//! A buffer is put back once: nobody else has it then.

use dma_map::{
    Bidirectional,
    MappedBuffer, //
};

pub fn work(buffer: MappedBuffer<'_, u8, Bidirectional>) {
    let other = ();
    drop(buffer);
    // pass: drop(other);
    drop(buffer);
}
