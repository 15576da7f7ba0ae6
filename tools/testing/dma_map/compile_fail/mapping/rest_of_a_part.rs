// SPDX-License-Identifier: GPL-2.0
// error: E0599

//! Beside the range that was synced, the CPU may see old data.

use dma_map::{
    Device,
    DmaMapping,
    Engine,
    FromDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = DmaMapping<'bound, KVec<u8>, FromDevice, Device<E>>;

pub fn first<E: Engine>(mapping: Mapping<'_, E>) -> Result<u8> {
    // pass: let mapping = mapping.complete()?;
    let mapping = mapping.complete_range(0..60)?;
    mapping.contents().first().copied().ok_or(EINVAL)
}
