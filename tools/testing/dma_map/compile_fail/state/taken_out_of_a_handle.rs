// SPDX-License-Identifier: GPL-2.0
// error: E0624

//! The state of a handle, and with it the engine, stays in the handle.

use dma_map::{
    state::InDevice,
    Device,
    DmaMapping,
    Engine,
    ToDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = DmaMapping<'bound, KVec<u8>, ToDevice, Device<E>>;

pub fn engine_of<'a, E: Engine>(mapping: &'a Mapping<'_, E>, mine: &'a Device<E>) -> &'a E {
    // pass: let _ = mapping; let state = mine;
    let state = mapping.state();
    let _ = mine;
    state.engine()
}
