// SPDX-License-Identifier: GPL-2.0
// error: E0505

//! A slice of the elements does not outlive the CPU's turn.

use dma_map::{
    Bidirectional,
    DmaDevice,
    DmaPages,
    Engine,
    Gfp, //
};
use kernel::prelude::*;

pub fn work<E: Engine>(dma: DmaDevice<'_>, engine: E) -> Result {
    let memory = DmaPages::<u32, _>::alloc(dma, 8, Bidirectional, Gfp::Kernel)?;
    let slice = memory.as_slice();
    // pass: drop((engine, slice));
    drop((memory.give(engine), slice));
    Ok(())
}
