// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! What the device wrote is no index before it was checked.

use dma_map::{
    ring::{
        Consumer,
        Counters, //
    },
    Engine, //
};
use kernel::prelude::*;

pub fn look<E: Engine, C: Counters>(
    ring: &mut Consumer<'_, u32, E, C>,
    table: &[u8],
) -> Result<u8> {
    let entry = ring.pop().ok_or(EAGAIN)?;
    // pass: Ok(table[entry.index(table.len())?])
    Ok(table[entry])
}
