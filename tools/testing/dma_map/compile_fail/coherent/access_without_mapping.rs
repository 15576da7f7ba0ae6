// SPDX-License-Identifier: GPL-2.0
// error: E0599

//! There is nothing to access in memory without a kernel mapping.

use dma_map::{
    CoherentHandle,
    Engine, //
};

pub fn look<E: Engine>(memory: &CoherentHandle<'_, E>) {
    // pass: let _ = memory.dma_address();
    let _ = memory.view();
}
