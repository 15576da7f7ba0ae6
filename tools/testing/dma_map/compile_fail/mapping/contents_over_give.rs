// SPDX-License-Identifier: GPL-2.0
// error: E0505
// misuse: reference-into-shared

//! A reference to the contents is gone when the device gets the buffer.

use dma_map::{
    Bidirectional,
    Cpu,
    Device,
    DmaMapping,
    Engine, //
};
use kernel::prelude::*;

pub type Mapping<'bound, S> = DmaMapping<'bound, KBox<u32>, Bidirectional, S>;

pub fn next<E: Engine>(mapping: Mapping<'_, Cpu>, e: E) -> (u32, Mapping<'_, Device<E>>) {
    let value = mapping.contents();
    let before = *value;
    let given = mapping.give(e);
    // pass: (before, given)
    (*value, given)
}
