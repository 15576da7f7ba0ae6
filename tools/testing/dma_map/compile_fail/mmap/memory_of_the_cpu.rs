// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! Memory for streaming is mapped while it is the device's, when the kernel has no slice of it.

use dma_map::{
    Bidirectional,
    DmaPages,
    Engine,
    Mmap, //
};
use kernel::prelude::*;

pub fn show<E: Engine>(memory: DmaPages<'_, u8, Bidirectional>, engine: E) -> Result {
    let _ = &engine;
    // pass: Mmap::new(memory.give(engine))?;
    Mmap::new(memory)?;
    Ok(())
}
