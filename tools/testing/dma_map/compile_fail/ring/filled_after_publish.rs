// SPDX-License-Identifier: GPL-2.0
// error: E0499

//! A slot that was handed out is filled before the ring is published, or not at all.

use dma_map::{
    ring::{
        Counters,
        Producer, //
    },
    Engine, //
};

pub fn fill<E: Engine, C: Counters>(ring: &mut Producer<'_, u64, E, C>) -> Option<()> {
    let slot = ring.vacancy()?;
    // pass: let _ = slot.dma_address();
    ring.publish();
    slot.fill(1);
    Some(())
}
