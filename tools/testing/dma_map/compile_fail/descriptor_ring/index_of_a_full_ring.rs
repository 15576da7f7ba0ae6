// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! An index cannot report a ring all of whose slots are in use: it is the same as for none.

use dma_map::{
    descriptor_ring::{
        Capacity,
        Completes,
        CompletesTo,
        DescriptorRing,
        Protocol, //
    },
    transfer::Carried,
    Engine,
    Untrusted, //
};
use kernel::prelude::*;

pub struct ByIndex;

impl Protocol for ByIndex {
    type Slot = u64;
    type Sign = ();
    // pass: const CAPACITY: Capacity = Capacity::AllButOne;
    const CAPACITY: Capacity = Capacity::All;
}

pub struct Card;

// SAFETY: No device is told of memory.
unsafe impl Engine for Card {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        true
    }

    fn quiesce(&self) -> Result {
        Ok(())
    }
}

// SAFETY: No device is told of memory.
unsafe impl Completes<ByIndex> for Card {}

// SAFETY: No device is told of memory.
unsafe impl CompletesTo<ByIndex> for Card {
    fn index(&self) -> Untrusted<u32> {
        Untrusted::new(0)
    }
}

pub fn poll(ring: &mut DescriptorRing<'_, ByIndex, Card, Carried<()>>) -> Result<u32> {
    ring.poll()
}
