// SPDX-License-Identifier: GPL-2.0
// error: E0599
// misuse: racing-cpu-access

//! While the device has the buffer there is no way to the elements.

use dma_map::{
    Engine,
    FromDevice,
    MappedBuffer, //
};
use kernel::prelude::*;

pub fn work<E: Engine>(buffer: MappedBuffer<'_, u8, FromDevice>, engine: E) -> Result {
    let buffer = buffer.give(engine);
    // pass: let _ = buffer.complete()?.as_slice();
    let _ = buffer.as_slice();
    Ok(())
}
