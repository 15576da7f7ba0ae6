// SPDX-License-Identifier: GPL-2.0
// error: E0382
// misuse: free-not-allocated, sync-not-allocated

//! An address is gone with its mapping.

use dma_map::{
    Device,
    DmaMapping,
    Engine,
    ToDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = DmaMapping<'bound, KVec<u8>, ToDevice, Device<E>>;

pub fn end<E: Engine>(mapping: Mapping<'_, E>) -> Result<u64> {
    let address = mapping.dma_address();
    let buffer = mapping.unmap()?;
    drop(buffer);
    // pass: Ok(address)
    Ok(mapping.dma_address())
}
