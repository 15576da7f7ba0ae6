// SPDX-License-Identifier: GPL-2.0
// error: E0505

//! A view of a part is bound to the handle as well.

use dma_map::{
    DmaCoherent,
    Engine,
    Shared, //
};
use kernel::{
    io::io_project,
    prelude::*, //
};

pub fn address<E: Engine>(memory: DmaCoherent<'_, [u32], Shared<E>>) -> Result<u64> {
    let part = io_project!(&memory, [try: 1]);
    let address = part.dma_address();
    drop(memory);
    // pass: let again = address;
    let again = part.dma_address();
    Ok(again)
}
