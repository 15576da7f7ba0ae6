// SPDX-License-Identifier: GPL-2.0
// error: E0369

//! A number of the device is not one to compute with.

use dma_map::endian::Le;

pub fn end(start: Le<u32>, length: u32) -> u32 {
    // pass: start.get().wrapping_add(length)
    start + length
}
