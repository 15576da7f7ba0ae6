// SPDX-License-Identifier: GPL-2.0
// error: E0597

//! The engine lives as long as the handles that ask it.

use dma_map::{
    DmaCoherent,
    Engine, //
};

pub fn share<E: Engine>(memory: DmaCoherent<'_, [u32]>, make: impl FnOnce() -> E) {
    let shared;
    {
        let engine = make();
        // pass: shared = memory.give(engine);
        shared = memory.give(&engine);
    }
    let _ = shared.dma_address();
}
