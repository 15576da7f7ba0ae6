// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: sync-write-only-for-device

//! What the device fills is not written by the CPU.

use dma_map::{
    FromDevice,
    MappedBuffer, //
};

pub fn work(mut buffer: MappedBuffer<'_, u8, FromDevice>) {
    let _ = &mut buffer;
    // pass: let _ = buffer.as_slice();
    let _ = buffer.as_mut_slice();
}
