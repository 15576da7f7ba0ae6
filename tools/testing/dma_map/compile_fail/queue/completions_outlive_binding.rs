// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! A queue that the device fills ends with the binding of its memory.

use dma_map::{
    descriptor_ring::Completes,
    queue::{
        CompletionQueue,
        Tagged, //
    },
    DmaCoherent, //
};
use kernel::prelude::*;

pub type Queue<'bound, P, E> = CompletionQueue<'bound, P, E>;

pub fn new<'b, P: Tagged, E: Completes<P>>(
    entries: DmaCoherent<'b, [P::Slot]>,
    engine: E,
    // pass: ) -> Result<Queue<'b, P, E>> {
) -> Result<Queue<'static, P, E>> {
    CompletionQueue::new(entries, engine)
}
