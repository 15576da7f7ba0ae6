// SPDX-License-Identifier: GPL-2.0
// error: E0382

//! A slot is filled by one write.

use dma_map::{
    ring::{
        Counters,
        Producer, //
    },
    Engine, //
};

pub fn fill<E: Engine, C: Counters>(ring: &mut Producer<'_, u64, E, C>) -> Option<()> {
    let slot = ring.vacancy()?;
    slot.fill(1);
    // pass: ring.vacancy()?.fill(2);
    slot.fill(2);
    Some(())
}
