// SPDX-License-Identifier: GPL-2.0
// error: E0505
// misuse: reference-into-shared

//! No reference of the CPU's is left when the device learns the address.

use dma_map::{
    DmaCoherent,
    Engine, //
};

pub fn share<E: Engine>(mut memory: DmaCoherent<'_, [u32]>, engine: E) {
    let word = &mut memory[0];
    *word = 1;
    let shared = memory.give(engine);
    // pass:
    *word = 2;
    let _ = shared.dma_address();
}
