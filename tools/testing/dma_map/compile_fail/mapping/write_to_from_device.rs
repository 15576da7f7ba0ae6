// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: sync-write-only-for-device

//! What the device only writes is not what the CPU gets to write for it.

use dma_map::{
    Bidirectional,
    Cpu,
    DmaMapping,
    FromDevice, //
};
use kernel::prelude::*;

pub type Both = (Bidirectional, FromDevice);

// pass: pub type Mapping<'bound> = DmaMapping<'bound, KVec<u8>, Bidirectional, Cpu>;
pub type Mapping<'bound> = DmaMapping<'bound, KVec<u8>, FromDevice, Cpu>;

pub fn clear(mapping: &mut Mapping<'_>) {
    mapping.contents_mut().fill(0);
}
