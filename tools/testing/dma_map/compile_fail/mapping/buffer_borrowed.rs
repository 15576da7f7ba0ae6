// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! A borrowed buffer could be freed while the device has it: `mem::forget` runs no destructor.

use dma_map::{
    DmaDevice,
    DmaMapping,
    Engine,
    MapOptions,
    ToDevice, //
};
use kernel::prelude::*;

pub fn map<E: Engine>(dma: DmaDevice<'_>, mut buffer: KVec<u8>, engine: E) -> Result {
    buffer.clear();
    // pass: let _mapping = DmaMapping::map(dma, buffer, ToDevice, engine, MapOptions::new())?;
    let _mapping = DmaMapping::map(dma, &mut *buffer, ToDevice, engine, MapOptions::new())?;
    Ok(())
}
