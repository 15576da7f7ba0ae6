// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: sync-write-only-for-device

//! What the device writes is not the CPU's to fill.

use dma_map::{
    Cpu,
    FromDevice,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

// pass: pub type Mapping<'bound> = SgMapping<'bound, VVec<u8>, ToDevice, Cpu>;
pub type Mapping<'bound> = SgMapping<'bound, VVec<u8>, FromDevice, Cpu>;

pub const DIRECTIONS: (ToDevice, FromDevice) = (ToDevice, FromDevice);

pub fn clear(mapping: &mut Mapping<'_>) {
    mapping.as_mut_slice().fill(0);
}
