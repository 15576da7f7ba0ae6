// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: sync-read-only-for-cpu

//! What the device only reads is not what the CPU gets to read back.

use dma_map::{
    Bidirectional,
    DmaMapping,
    Part,
    ToDevice, //
};
use kernel::prelude::*;

pub type Both = (Bidirectional, ToDevice);

// pass: pub type Mapping<'bound> = DmaMapping<'bound, KVec<u8>, Bidirectional, Part>;
pub type Mapping<'bound> = DmaMapping<'bound, KVec<u8>, ToDevice, Part>;

pub fn first(part: &Mapping<'_>) -> Option<u8> {
    part.as_bytes().first().copied()
}
