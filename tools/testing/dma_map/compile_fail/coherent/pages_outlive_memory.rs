// SPDX-License-Identifier: GPL-2.0
// error: E0505

//! The list of pages borrows the memory that it lists.

use dma_map::{
    DmaCoherent,
    Engine,
    Shared, //
};
use kernel::prelude::*;

pub fn list<E: Engine>(memory: DmaCoherent<'_, u64, Shared<E>>) -> Result<usize> {
    let pages = memory.pages()?;
    // pass: let _ = &memory;
    drop(memory);
    Ok(pages.runs().count())
}
