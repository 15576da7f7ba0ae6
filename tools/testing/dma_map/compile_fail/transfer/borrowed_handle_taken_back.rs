// SPDX-License-Identifier: GPL-2.0
// error: E0505

//! A handle that a transfer borrows stays the device's until that ends.

use dma_map::{
    Device,
    DmaMapping,
    Engine,
    ToDevice,
    Transfer, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = DmaMapping<'bound, KVec<u8>, ToDevice, Device<E>>;

pub fn send<E: Engine>(mapping: Mapping<'_, E>) -> Result {
    let transfer = Transfer::start(&mapping, |_| Ok(()))?;
    // pass: drop(mapping.size());
    drop(mapping.unmap()?);
    transfer.complete()?;
    Ok(())
}
