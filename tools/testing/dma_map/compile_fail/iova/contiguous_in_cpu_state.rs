// SPDX-License-Identifier: GPL-2.0
// error: E0599

//! The device gets the address of what is its own.

use dma_map::{
    Cpu,
    Engine,
    IovaMapping,
    ToDevice, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

pub type Mapping<'bound> = IovaMapping<'bound, VVec<u8>, ToDevice, Cpu>;

pub fn address<E: Engine>(mapping: Mapping<'_>, engine: E) -> Option<DmaAddress> {
    let _ = &engine;
    // pass: mapping.give(engine).contiguous()
    mapping.contiguous()
}
