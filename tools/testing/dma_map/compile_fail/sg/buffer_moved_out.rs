// SPDX-License-Identifier: GPL-2.0
// error: E0507

//! In the CPU's state too, the mapping keeps its buffer until it is unmapped.

use dma_map::{
    Cpu,
    FromDevice,
    SgMapping, //
};
use kernel::prelude::*;

pub type Mapping<'bound> = SgMapping<'bound, VVec<u8>, FromDevice, Cpu>;

pub fn take(mapping: Mapping<'_>) -> VVec<u8> {
    // pass: mapping.unmap()
    *mapping.buffer()
}
