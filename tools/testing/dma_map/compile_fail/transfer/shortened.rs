// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! A transfer has the lifetimes of its handles, and no others.

use dma_map::{
    Device,
    DmaMapping,
    Engine,
    ToDevice,
    Transfer, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = DmaMapping<'bound, KVec<u8>, ToDevice, Device<E>>;
pub type InFlight<'a, 'bound, E> = Transfer<&'a Mapping<'bound, E>>;

pub fn shorten<'short, 'handle: 'short, 'bound, E: Engine>(
    transfer: InFlight<'handle, 'bound, E>,
    _until: &'short (),
    // pass: ) -> InFlight<'handle, 'bound, E> {
) -> InFlight<'short, 'bound, E> {
    transfer
}
