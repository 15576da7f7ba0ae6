// SPDX-License-Identifier: GPL-2.0
// error: E0382
// misuse: free-not-allocated, sync-not-allocated

//! Unmapping consumes the mapping: there is no address left, and no second unmap.

use dma_map::{
    Device,
    Engine,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = SgMapping<'bound, VVec<u8>, ToDevice, Device<E>>;

pub fn count<E: Engine>(mapping: Mapping<'_, E>) -> Result<usize> {
    let count = mapping.segments().count();
    drop(mapping.unmap()?);
    // pass: let again = count;
    let again = mapping.segments().count();
    Ok(again)
}
