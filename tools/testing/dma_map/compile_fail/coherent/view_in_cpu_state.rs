// SPDX-License-Identifier: GPL-2.0
// error: E0599

//! While the CPU has the memory to itself, there are references and no volatile views.

use dma_map::{
    DmaCoherent,
    Engine, //
};

pub fn look<E: Engine>(memory: DmaCoherent<'_, [u32]>, engine: E) {
    let _ = &engine;
    // pass: let _ = memory.give(engine).view();
    let _ = memory.view();
}
