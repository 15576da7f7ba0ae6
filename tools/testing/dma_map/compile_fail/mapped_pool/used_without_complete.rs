// SPDX-License-Identifier: GPL-2.0
// error: E0308

//! Who wants the CPU's buffer gets it when the engine was asked.

use dma_map::{
    Busy,
    Device,
    Engine,
    FromDevice,
    MappedBuffer, //
};

pub type Buffer<'b> = MappedBuffer<'b, u8, FromDevice>;
pub type Given<'b, E> = MappedBuffer<'b, u8, FromDevice, Device<E>>;

pub fn done<E: Engine>(buffer: Given<'_, E>) -> Result<Buffer<'_>, Busy<Given<'_, E>>> {
    // pass: buffer.complete()
    Ok(buffer)
}
