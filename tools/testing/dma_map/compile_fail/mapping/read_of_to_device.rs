// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: sync-read-only-for-cpu, to-device-read-back

//! What the device only reads is not what the CPU gets to read back.

use dma_map::{
    Bidirectional,
    Cpu,
    DmaMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub type Both = (Bidirectional, ToDevice);

// pass: pub type Mapping<'bound> = DmaMapping<'bound, KVec<u8>, Bidirectional, Cpu>;
pub type Mapping<'bound> = DmaMapping<'bound, KVec<u8>, ToDevice, Cpu>;

pub fn first(mapping: &Mapping<'_>) -> Option<u8> {
    mapping.contents().first().copied()
}
