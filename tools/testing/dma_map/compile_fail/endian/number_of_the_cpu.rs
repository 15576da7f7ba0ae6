// SPDX-License-Identifier: GPL-2.0
// error: E0308

//! A number does not become the device's by being written: its bytes may have another order.

use dma_map::{
    endian::Le,
    DmaCoherent,
    Engine,
    Shared, //
};
use kernel::{
    io::io_write,
    prelude::*, //
};

#[derive(FromBytes, IntoBytes)]
#[repr(C)]
pub struct Command {
    length: Le<u32>,
}

pub fn set<E: Engine>(command: &DmaCoherent<'_, Command, Shared<E>>, length: u32) {
    // pass: io_write!(command, .length, length.into());
    io_write!(command, .length, length);
}
