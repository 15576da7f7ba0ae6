// SPDX-License-Identifier: GPL-2.0
// error: E0616

//! Anybody may make a state, but only the library puts one into a handle.

use dma_map::{
    state::InDevice,
    Device,
    DmaMapping,
    Engine,
    ToDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = DmaMapping<'bound, KVec<u8>, ToDevice, Device<E>>;

pub fn exchange_the_engine<E: Engine>(mapping: &mut Mapping<'_, E>, other: E) {
    let state = Device::of(other);
    // pass: let _ = (mapping, state);
    mapping.state = state;
}
