// SPDX-License-Identifier: GPL-2.0
// error: E0599
// misuse: racing-cpu-access

//! While the device owns the buffer, the CPU does not write it.

use dma_map::{
    Bidirectional,
    Device,
    DmaMapping,
    Engine, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = DmaMapping<'bound, KVec<u8>, Bidirectional, Device<E>>;

pub fn clear<E: Engine>(mapping: Mapping<'_, E>) -> Result {
    // pass: let mut mapping = mapping.complete()?;
    let mut mapping = mapping;
    mapping.contents_mut().fill(0);
    Ok(())
}
