// SPDX-License-Identifier: GPL-2.0
// error: E0200

//! What a sign means for memory is a promise that nobody can check.

use dma_map::{
    descriptor_ring::{
        Completes,
        Protocol, //
    },
    Engine, //
};
use kernel::prelude::*;

pub struct Card;
pub struct Rx;

// SAFETY: There is no device.
unsafe impl Engine for Card {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        true
    }

    fn quiesce(&self) -> Result {
        Ok(())
    }
}

impl Protocol for Rx {
    type Slot = u64;
    type Sign = ();
}

// SAFETY: There is no device.
// pass: unsafe impl Completes<Rx> for Card {}
impl Completes<Rx> for Card {}
