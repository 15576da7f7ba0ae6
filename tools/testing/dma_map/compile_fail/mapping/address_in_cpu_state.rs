// SPDX-License-Identifier: GPL-2.0
// error: E0599

//! There is a DMA address while the device owns the buffer, and only then.

use dma_map::{
    Cpu,
    DmaMapping,
    Engine,
    ToDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound> = DmaMapping<'bound, KVec<u8>, ToDevice, Cpu>;

pub fn address<E: Engine>(mapping: Mapping<'_>, _engine: E) -> u64 {
    // pass: let mapping = mapping.give(_engine);
    let mapping = mapping;
    mapping.dma_address()
}
