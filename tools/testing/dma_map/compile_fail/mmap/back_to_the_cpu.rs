// SPDX-License-Identifier: GPL-2.0
// error: E0507

//! Memory that processes have mapped does not become the CPU's alone.

use dma_map::{
    DmaCoherent,
    Engine,
    Mmap,
    Shared, //
};
use kernel::prelude::*;

pub fn take<E: Engine>(memory: Mmap<DmaCoherent<'_, [u32], Shared<E>>>) -> Result {
    // pass: let _ = memory.view();
    let _ = memory.complete()?[0];
    Ok(())
}
