// SPDX-License-Identifier: GPL-2.0
// error: E0382
// misuse: free-not-allocated

//! Nothing is left of a mapping that gave its buffer back.

use dma_map::{
    Device,
    Engine,
    IovaMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = IovaMapping<'bound, VVec<u8>, ToDevice, Device<E>>;

pub fn size<E: Engine>(mapping: Mapping<'_, E>) -> Result<usize> {
    let buffer = mapping.unmap()?;
    // pass: let size = buffer.len();
    let size = mapping.size();
    drop(buffer);
    Ok(size)
}
