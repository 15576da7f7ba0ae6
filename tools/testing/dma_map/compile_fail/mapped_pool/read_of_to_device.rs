// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: sync-read-only-for-cpu, to-device-read-back

//! What the device only reads is not looked at as if it had been written.

use dma_map::{
    MappedBuffer,
    ToDevice, //
};

pub fn work(buffer: &MappedBuffer<'_, u8, ToDevice>) {
    // pass: let _ = buffer.size();
    let _ = buffer.as_slice();
}
