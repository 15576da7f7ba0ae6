// SPDX-License-Identifier: GPL-2.0
// error: E0382
// misuse: overlapping-cachelines

//! A buffer has one mapping: it moves into it.

use dma_map::{
    DmaDevice,
    DmaMapping,
    FromDevice,
    MapOptions, //
};
use kernel::prelude::*;

pub fn map(dma: DmaDevice<'_>, one: KVec<u8>, two: KVec<u8>) -> Result {
    let _one = DmaMapping::map_cpu(dma, one, FromDevice, MapOptions::new())?;
    // pass: let _two = dma;
    let _two = DmaMapping::map_cpu(dma, one, FromDevice, MapOptions::new())?;
    drop(two);
    Ok(())
}
