// SPDX-License-Identifier: GPL-2.0
// error: E0599
// misuse: two-tokens

//! The token has no way to change a limit.

use dma_map::DmaDevice;

pub fn larger_segments(dma: DmaDevice<'_>) -> u32 {
    // pass: dma.mask();
    dma.set_max_segment_size(65536);
    dma.max_segment_size()
}
