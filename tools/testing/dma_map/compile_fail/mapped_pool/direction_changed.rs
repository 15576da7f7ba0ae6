// SPDX-License-Identifier: GPL-2.0
// error: E0308
// misuse: free-different-direction

//! The direction in which a buffer is mapped is part of its type.

use dma_map::{
    FromDevice,
    MappedBuffer,
    ToDevice, //
};

pub fn send(buffer: MappedBuffer<'_, u8, ToDevice>) {
    drop(buffer);
}

pub fn work(to: MappedBuffer<'_, u8, ToDevice>, from: MappedBuffer<'_, u8, FromDevice>) {
    let _ = (&to, &from);
    // pass: send(to);
    send(from);
}
