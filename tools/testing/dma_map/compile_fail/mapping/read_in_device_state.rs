// SPDX-License-Identifier: GPL-2.0
// error: E0599
// misuse: racing-cpu-access

//! While the device owns the buffer, the CPU does not read it.

use dma_map::{
    Bidirectional,
    Device,
    DmaMapping,
    Engine, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = DmaMapping<'bound, KVec<u8>, Bidirectional, Device<E>>;

pub fn first<E: Engine>(mapping: Mapping<'_, E>) -> Result<u8> {
    // pass: let mapping = mapping.complete()?;
    let mapping = mapping;
    mapping.contents().first().copied().ok_or(EINVAL)
}
