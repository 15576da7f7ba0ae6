// SPDX-License-Identifier: GPL-2.0
// error: E0308

//! The slots of a ring are memory that is shared with the device.

use dma_map::{
    ring::{
        Counters,
        Producer, //
    },
    DmaCoherent,
    Engine, //
};
use kernel::prelude::*;

pub fn make<'b, E: Engine, C: Counters>(
    slots: DmaCoherent<'b, [u64]>,
    counters: C,
    engine: E,
) -> Result<Producer<'b, u64, E, C>> {
    let _ = &engine;
    // pass: Producer::new(slots.give(engine), counters)
    Producer::new(slots, counters)
}
