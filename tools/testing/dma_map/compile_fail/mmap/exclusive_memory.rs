// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! What a process writes to is not memory that the kernel has references to.

use dma_map::{
    DmaCoherent,
    Engine,
    Mmap, //
};
use kernel::prelude::*;

pub fn show<E: Engine>(memory: DmaCoherent<'_, [u8]>, engine: E) -> Result {
    let _ = &engine;
    // pass: Mmap::new(memory.give(engine))?;
    Mmap::new(memory)?;
    Ok(())
}
