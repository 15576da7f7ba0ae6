// SPDX-License-Identifier: GPL-2.0
// error: E0599

//! The CPU copies the data of a request before it is mapped, not while the device has it.

use dma_map::blk::{
    MappedRequest,
    Operations, //
};
use kernel::prelude::*;

pub fn peek<T: Operations>(request: MappedRequest<T>, room: &mut [u8]) -> Result {
    // pass: request.unmap()?.copy_to(0, room)
    request.copy_to(0, room)
}
