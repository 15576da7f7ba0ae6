// SPDX-License-Identifier: GPL-2.0
// error: E0599
// misuse: racing-cpu-access

//! While the device owns the buffer, the CPU does not write it.

use dma_map::{
    Bidirectional,
    Device,
    Engine,
    SgMapping, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = SgMapping<'bound, VVec<u8>, Bidirectional, Device<E>>;

pub fn clear<E: Engine>(mapping: Mapping<'_, E>) -> Result {
    // pass: let mut mapping = mapping.complete()?;
    let mut mapping = mapping;
    mapping.as_mut_slice().fill(0);
    Ok(())
}
