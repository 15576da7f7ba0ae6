// SPDX-License-Identifier: GPL-2.0
// error: E0599

//! While the CPU has a part of the buffer, the device has none of it.

use dma_map::{
    DmaMapping,
    Engine,
    Part,
    ToDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound> = DmaMapping<'bound, KVec<u8>, ToDevice, Part>;

pub fn address<E: Engine>(mapping: Mapping<'_>, _engine: E) -> u64 {
    // pass: let mapping = mapping.give(_engine);
    let mapping = mapping;
    mapping.dma_address()
}
