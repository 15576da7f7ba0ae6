// SPDX-License-Identifier: GPL-2.0
// error: E0382

//! Sharing consumes the handle that the CPU had for itself.

use dma_map::{
    DmaCoherent,
    Engine, //
};

pub fn share<E: Engine>(mut memory: DmaCoherent<'_, [u32]>, engine: E) {
    memory[0] = 1;
    let shared = memory.give(engine);
    // pass:
    memory[0] = 2;
    let _ = shared.dma_address();
}
