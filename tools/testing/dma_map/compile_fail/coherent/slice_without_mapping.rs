// SPDX-License-Identifier: GPL-2.0
// error: E0608

//! What the C API returns in place of an address is not one.

use dma_map::{
    CoherentHandle,
    Engine, //
};

pub fn look<E: Engine>(memory: &CoherentHandle<'_, E>) {
    // pass: let _ = memory.size();
    let _ = memory[0];
}
