// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: map-stack, map-vmapped-stack

//! Memory on the stack does not belong to a mapping.

use dma_map::{
    DmaDevice,
    DmaMapping,
    Engine,
    MapOptions,
    ToDevice, //
};
use kernel::prelude::*;

pub fn map<E: Engine>(dma: DmaDevice<'_>, engine: E) -> Result {
    // pass: let buffer = KBox::new([0u8; 64], GFP_KERNEL)?;
    let buffer = [0u8; 64];
    let _mapping = DmaMapping::map(dma, buffer, ToDevice, engine, MapOptions::new())?;
    Ok(())
}
