// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! Nor can vectors.

use dma_map::irq::Vectors;

// pass: pub fn shorter<'a>(vectors: Vectors<'a>, _: &'a u32) -> Vectors<'a> {
pub fn shorter<'a, 'bound: 'a>(vectors: Vectors<'bound>, _: &'a u32) -> Vectors<'a> {
    vectors
}
