// SPDX-License-Identifier: GPL-2.0
// error: E0596
// misuse: racing-cpu-access

//! Two threads that share the handle cannot both write.

use dma_map::{
    DmaPool,
    PoolBlock, //
};

// pass: pub fn write(block: &mut PoolBlock<&DmaPool<'_, u32>>) {
pub fn write(block: &PoolBlock<&DmaPool<'_, u32>>) {
    **block = 1;
}
