// SPDX-License-Identifier: GPL-2.0
// error: E0382

//! What is given to the device is not for the CPU to use.

use dma_map::{
    Cpu,
    Engine,
    IovaMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound> = IovaMapping<'bound, VVec<u8>, ToDevice, Cpu>;

pub fn give<E: Engine>(mut mapping: Mapping<'_>, engine: E) {
    mapping.as_mut_slice().fill(1);
    let given = mapping.give(engine);
    // pass: let _ = given.size();
    mapping.as_mut_slice().fill(0);
    let _ = given.segments();
}
