// SPDX-License-Identifier: GPL-2.0
// error: E0599
// misuse: free-not-allocated

//! One handle, one owner: it frees the memory.

use dma_map::DmaCoherent;

pub fn copy(memory: DmaCoherent<'_, [u32]>) {
    // pass: let other = memory;
    let other = memory.clone();
    drop(other);
}
