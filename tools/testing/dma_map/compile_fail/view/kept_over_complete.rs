// SPDX-License-Identifier: GPL-2.0
// error: E0505
// misuse: reference-into-shared

//! When the CPU has the memory to itself again, no view is left.

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
    let old: u32 = io_read!(view, [try: 0]);
    let mut mine = memory.complete()?;
    mine[0] = 1;
    // pass: let new = old;
    let new: u32 = io_read!(view, [try: 0]);
    Ok(new)
}
