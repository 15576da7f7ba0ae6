// SPDX-License-Identifier: GPL-2.0
// error: E0382

//! A handle in flight is the transfer's.

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
    let transfer = Transfer::start(mapping, |_| Ok(()))?;
    // pass: drop(transfer.pieces());
    drop(mapping.unmap()?);
    transfer.complete()?;
    Ok(())
}
