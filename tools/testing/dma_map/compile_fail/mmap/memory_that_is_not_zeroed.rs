// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! Memory without a kernel mapping holds what was there before, which is not a process's to see.

use dma_map::{
    CoherentHandle,
    Engine,
    Mmap, //
};
use kernel::prelude::*;

pub fn show<E: Engine>(memory: CoherentHandle<'_, E>) -> Result {
    // pass: drop(memory);
    Mmap::new(memory)?;
    Ok(())
}
