// SPDX-License-Identifier: GPL-2.0
// error: E0061

//! Only a ring, or a table of commands, posts memory: a handle in that state has no engine of its own.

use dma_map::{
    transfer::Post,
    FromDevice,
    MappedBuffer, //
};

pub fn post(buffer: MappedBuffer<'_, u8, FromDevice>) {
    fn posted<H: Post>(memory: H) {
        // pass: drop(memory);
        drop(memory.post::<()>());
    }
    posted(buffer);
}
