// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! Bytes are not written to elements that are not any bytes.

use dma_map::{
    Device,
    Engine,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

// pass: pub type Mapping<'bound, E> = SgMapping<'bound, VVec<i8>, ToDevice, Device<E>>;
pub type Mapping<'bound, E> = SgMapping<'bound, VVec<bool>, ToDevice, Device<E>>;

pub fn set<E: Engine>(mapping: &mut Mapping<'_, E>) -> Result {
    mapping.sync_write(0, &[2])
}
