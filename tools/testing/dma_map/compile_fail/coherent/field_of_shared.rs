// SPDX-License-Identifier: GPL-2.0
// error: E0609
// misuse: reference-into-shared

//! Shared memory has no fields to borrow: each access is volatile.

use dma_map::{
    DmaCoherent,
    Engine,
    Shared, //
};
use kernel::{
    io::io_read,
    prelude::*, //
};

#[derive(FromBytes, IntoBytes)]
#[repr(C)]
pub struct Slot {
    pub status: u32,
}

pub fn status<E: Engine>(slot: &DmaCoherent<'_, Slot, Shared<E>>) -> u32 {
    // pass: io_read!(slot, .status)
    slot.status
}
