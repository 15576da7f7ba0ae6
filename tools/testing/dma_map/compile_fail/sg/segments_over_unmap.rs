// SPDX-License-Identifier: GPL-2.0
// error: E0505

//! The segments are those of a mapping that exists.

use dma_map::{
    Device,
    Engine,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = SgMapping<'bound, VVec<u8>, ToDevice, Device<E>>;

pub fn count<E: Engine>(mapping: Mapping<'_, E>) -> Result<usize> {
    let mut segments = mapping.segments();
    let _ = segments.next();
    drop(mapping.unmap()?);
    // pass: let left = 0;
    let left = segments.count();
    Ok(left)
}
