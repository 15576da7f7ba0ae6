// SPDX-License-Identifier: GPL-2.0
// error: E0599
// misuse: map-error-unchecked, free-invalid-address

//! There is no address before somebody has looked whether there is one.

use dma_map::{
    DmaDevice,
    DmaMapping,
    Engine,
    MapOptions,
    ToDevice, //
};
use kernel::prelude::*;

pub fn start<E: Engine>(dma: DmaDevice<'_>, data: KVec<u8>, engine: E) -> Result<u64> {
    let mapping = DmaMapping::map(dma, data, ToDevice, engine, MapOptions::new());
    // pass: let address = mapping?.dma_address();
    let address = mapping.dma_address();
    Ok(address)
}
