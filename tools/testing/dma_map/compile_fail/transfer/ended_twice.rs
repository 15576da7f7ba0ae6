// SPDX-License-Identifier: GPL-2.0
// error: E0382

//! A transfer ends once.

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
    let mapping = transfer.complete()?;
    drop(mapping.unmap());
    // pass: Ok::<(), Error>(())?;
    transfer.cancel()?;
    Ok(())
}
