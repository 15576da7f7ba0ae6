// SPDX-License-Identifier: GPL-2.0
// error: E0382

//! Giving the mapping to the device consumes what the CPU had.

use dma_map::{
    Cpu,
    Engine,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound> = SgMapping<'bound, VVec<u8>, ToDevice, Cpu>;

pub fn clear<E: Engine>(mut mapping: Mapping<'_>, engine: E) -> usize {
    mapping.as_mut_slice().fill(0);
    let given = mapping.give(engine);
    // pass:
    mapping.as_mut_slice().fill(1);
    given.size()
}
