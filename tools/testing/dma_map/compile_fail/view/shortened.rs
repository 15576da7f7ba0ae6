// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! A view has the lifetime of the borrow of its handle, and no other.

use dma_map::CoherentView;

pub fn shorten<'short, 'handle: 'short>(
    view: CoherentView<'handle, u32>,
    _until: &'short (),
    // pass: ) -> CoherentView<'handle, u32> {
) -> CoherentView<'short, u32> {
    view
}
