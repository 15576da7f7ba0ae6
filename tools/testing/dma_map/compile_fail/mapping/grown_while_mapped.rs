// SPDX-License-Identifier: GPL-2.0
// error: E0382
// misuse: free-different-size

//! A vector that is mapped does not grow.

use dma_map::{
    DmaDevice,
    DmaMapping,
    Engine,
    MapOptions,
    ToDevice, //
};
use kernel::prelude::*;

pub fn map<E: Engine>(dma: DmaDevice<'_>, mut data: KVec<u8>, engine: E) -> Result {
    let mut other = KVec::new();
    data.push(1, GFP_KERNEL)?;
    let _mapping = DmaMapping::map(dma, data, ToDevice, engine, MapOptions::new())?;
    other.push(2, GFP_KERNEL)?;
    // pass: other.push(3, GFP_KERNEL)?;
    data.push(3, GFP_KERNEL)?;
    Ok(())
}
