// SPDX-License-Identifier: GPL-2.0
// error: E0382
// misuse: sync-not-allocated

//! Transitions consume the handle.

use dma_map::{
    Cpu,
    Device,
    DmaMapping,
    Engine,
    ToDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound, S> = DmaMapping<'bound, KVec<u8>, ToDevice, S>;

pub fn send<E: Engine>(mut mapping: Mapping<'_, Cpu>, engine: E) -> Mapping<'_, Device<E>> {
    mapping.contents_mut().fill(1);
    let given = mapping.give(engine);
    // pass: given.size();
    mapping.contents_mut().fill(2);
    given
}
