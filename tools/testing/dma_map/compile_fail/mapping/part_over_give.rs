// SPDX-License-Identifier: GPL-2.0
// error: E0505

//! The bytes of a part are gone when the device gets the buffer.

use dma_map::{
    Device,
    DmaMapping,
    Engine,
    FromDevice,
    Part, //
};
use kernel::prelude::*;

pub type Mapping<'bound, S> = DmaMapping<'bound, KVec<u8>, FromDevice, S>;

pub fn next<E: Engine>(part: Mapping<'_, Part>, e: E) -> (usize, Mapping<'_, Device<E>>) {
    let bytes = part.as_bytes();
    let before = bytes.len();
    let mapping = part.give(e);
    // pass: (before, mapping)
    (bytes.len(), mapping)
}
