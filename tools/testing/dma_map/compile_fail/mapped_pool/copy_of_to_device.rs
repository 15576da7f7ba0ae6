// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: to-device-read-back

//! What the device only reads is not copied as if it had been written.

use dma_map::{
    MappedBuffer,
    ToDevice, //
};
use kernel::prelude::*;

pub fn work(buffer: &MappedBuffer<'_, u8, ToDevice>, data: &mut [u8]) -> Result {
    // pass: data.fill(0);
    buffer.read(0, data)?;
    Ok(())
}
