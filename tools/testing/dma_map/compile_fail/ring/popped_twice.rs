// SPDX-License-Identifier: GPL-2.0
// error: E0382
// misuse: second-fetch

//! What was taken out of a slot is a value, and is used once.

use dma_map::{
    ring::{
        Consumer,
        Counters, //
    },
    Engine, //
};
use kernel::prelude::*;

pub fn look<E: Engine, C: Counters>(ring: &mut Consumer<'_, u32, E, C>) -> Result<usize> {
    let length = ring.pop().ok_or(EAGAIN)?;
    let other = ring.pop().ok_or(EAGAIN)?;
    length.length(64)?;
    // pass: other.length(64)
    length.length(64)
}
