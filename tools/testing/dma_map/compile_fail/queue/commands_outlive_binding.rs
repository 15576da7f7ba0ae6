// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/Commands

//! Commands, and the memory that they own, end with the binding.

use dma_map::{
    descriptor_ring::Completes,
    queue::{
        Commands,
        CompletionQueue,
        Tagged, //
    },
    DmaCoherent,
    FromDevice,
    MappedBuffer, //
};
use kernel::prelude::*;

pub type Slots<'bound, P> = DmaCoherent<'bound, [<P as Tagged>::Command]>;
pub type Table<'bound, P, E> = Commands<'bound, P, E, MappedBuffer<'bound, u8, FromDevice>>;

pub fn new<'b, P: Tagged, E: Completes<P> + Clone>(
    slots: Slots<'b, P>,
    queue: &mut CompletionQueue<'b, P, E>,
    // pass: ) -> Result<Table<'b, P, E>> {
) -> Result<Table<'static, P, E>> {
    Commands::new(slots, queue, 16)
}
