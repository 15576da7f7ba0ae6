// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! A token has the lifetime of its binding, and no other.

use dma_map::DmaDevice;

pub fn shorten<'short, 'bound: 'short>(
    dma: DmaDevice<'bound>,
    _until: &'short (),
    // pass: ) -> DmaDevice<'bound> {
) -> DmaDevice<'short> {
    dma
}
