// SPDX-License-Identifier: GPL-2.0
// error: E0596
// misuse: racing-cpu-access

//! Two threads that share the handle cannot both write.

use dma_map::DmaCoherent;

// pass: pub fn write(memory: &mut DmaCoherent<'_, [u32]>) {
pub fn write(memory: &DmaCoherent<'_, [u32]>) {
    memory[0] = 1;
}
