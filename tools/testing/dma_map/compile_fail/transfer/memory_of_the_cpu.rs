// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! A device is told of memory that it has.

use dma_map::{
    Cpu,
    DmaMapping,
    Engine,
    ToDevice,
    Transfer, //
};
use kernel::prelude::*;

pub type Mapping<'bound> = DmaMapping<'bound, KVec<u8>, ToDevice, Cpu>;

pub fn send<E: Engine>(mapping: Mapping<'_>, engine: E) -> Result {
    let _ = &engine;
    // pass: let transfer = Transfer::start(mapping.give(engine), |_| Ok(()))?;
    let transfer = Transfer::start(mapping, |_| Ok(()))?;
    drop(transfer);
    Ok(())
}
