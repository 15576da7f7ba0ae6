// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! Memory is shared with a device that can be stopped, or not at all.

use dma_map::{
    DmaCoherent,
    Engine, //
};

pub fn share<E: Engine>(memory: DmaCoherent<'_, [u32]>, engine: E) {
    let _ = &engine;
    // pass: let _ = memory.give(engine);
    let _ = memory.give(());
}
