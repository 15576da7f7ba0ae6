// SPDX-License-Identifier: GPL-2.0
// error: E0599

//! The device is told of what is its own.

use dma_map::{
    Cpu,
    Engine,
    IovaMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound> = IovaMapping<'bound, VVec<u8>, ToDevice, Cpu>;

pub fn count<E: Engine>(mapping: Mapping<'_>, engine: E) -> usize {
    let _ = &engine;
    // pass: mapping.give(engine).segments().count()
    mapping.segments().count()
}
