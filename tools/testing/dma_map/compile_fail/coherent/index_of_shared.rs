// SPDX-License-Identifier: GPL-2.0
// error: E0608
// misuse: reference-into-shared

//! Shared memory has no elements to borrow: each access is volatile.

use dma_map::{
    DmaCoherent,
    Engine,
    Shared, //
};
use kernel::{
    io::io_read,
    prelude::*, //
};

pub fn first<E: Engine>(memory: &DmaCoherent<'_, [u32], Shared<E>>) -> Result<u32> {
    // pass: let value: u32 = io_read!(memory, [try: 0]);
    let value: u32 = memory[0];
    Ok(value)
}
