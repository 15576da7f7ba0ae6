// SPDX-License-Identifier: GPL-2.0
// error: E0505

//! No reference of the CPU's is left when the device gets the buffer.

use dma_map::{
    Bidirectional,
    Cpu,
    Engine,
    SgMapping, //
};
use kernel::prelude::*;

pub type Mapping<'bound> = SgMapping<'bound, VVec<u8>, Bidirectional, Cpu>;

pub fn first<E: Engine>(mapping: Mapping<'_>, engine: E) -> Option<u8> {
    let data = mapping.as_slice();
    let first = data.first().copied();
    drop(mapping.give(engine));
    // pass: let again = first;
    let again = data.first().copied();
    again
}
