// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! Segments have the lifetime of the borrow of their mapping, and no other.

use dma_map::sg::Segments;

pub fn shorten<'short, 'mapping: 'short>(
    segments: Segments<'mapping>,
    _until: &'short (),
    // pass: ) -> Segments<'mapping> {
) -> Segments<'short> {
    segments
}
