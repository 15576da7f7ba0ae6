// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! Bytes that are written must be values of the elements: 2 is no `bool`.

use dma_map::{
    DmaMapping,
    Part,
    ToDevice, //
};
use kernel::prelude::*;

// pass: pub type Mapping<'bound> = DmaMapping<'bound, KVec<u8>, ToDevice, Part>;
pub type Mapping<'bound> = DmaMapping<'bound, KVec<bool>, ToDevice, Part>;

pub fn set(part: &mut Mapping<'_>) {
    part.as_mut_bytes().fill(2);
}
