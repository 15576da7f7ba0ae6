// SPDX-License-Identifier: GPL-2.0
// error: E0599
// misuse: map-error-unchecked, free-invalid-address

//! There are no segments before somebody has looked whether there are any.

use dma_map::{
    DmaDevice,
    Engine,
    Gfp,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub fn start<E: Engine>(dma: DmaDevice<'_>, data: KVec<u8>, engine: E) -> Result<usize> {
    let mapping = SgMapping::map(dma, data, ToDevice, engine, Gfp::Kernel);
    // pass: let count = mapping?.segments().count();
    let count = mapping.segments().count();
    Ok(count)
}
