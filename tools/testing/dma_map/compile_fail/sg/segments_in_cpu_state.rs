// SPDX-License-Identifier: GPL-2.0
// error: E0599

//! The addresses are for a mapping that the device owns.

use dma_map::{
    Cpu,
    Engine,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound> = SgMapping<'bound, VVec<u8>, ToDevice, Cpu>;

pub fn count<E: Engine>(mapping: Mapping<'_>, engine: E) -> usize {
    let _ = &engine;
    // pass: mapping.give(engine).segments().count()
    mapping.segments().count()
}
