// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! A handle has the lifetime of its binding, and no other.

use dma_map::{
    Device,
    DmaMapping,
    Engine,
    ToDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = DmaMapping<'bound, KVec<u8>, ToDevice, Device<E>>;

pub fn shorten<'short, 'bound: 'short, E: Engine>(
    mapping: Mapping<'bound, E>,
    _until: &'short (),
    // pass: ) -> Mapping<'bound, E> {
) -> Mapping<'short, E> {
    mapping
}
