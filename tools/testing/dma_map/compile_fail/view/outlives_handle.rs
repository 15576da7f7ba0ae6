// SPDX-License-Identifier: GPL-2.0
// error: E0505

//! A view does not keep the memory alive.

use dma_map::{
    DmaCoherent,
    Engine,
    Shared, //
};
use kernel::{
    io::io_read,
    prelude::*, //
};

pub fn read<E: Engine>(memory: DmaCoherent<'_, [u32], Shared<E>>) -> Result<u32> {
    let view = memory.view();
    let value: u32 = io_read!(view, [try: 0]);
    drop(memory);
    // pass: let again = value;
    let again: u32 = io_read!(view, [try: 0]);
    Ok(again)
}
