// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! A device may write any bit pattern, and a `bool` has two.

use dma_map::{
    DmaDevice,
    DmaMapping,
    Engine,
    FromDevice,
    MapOptions, //
};
use kernel::prelude::*;

pub fn map<E: Engine>(dma: DmaDevice<'_>, engine: E) -> Result {
    // pass: let buffer = KBox::new(0u8, GFP_KERNEL)?;
    let buffer = KBox::new(false, GFP_KERNEL)?;
    let _mapping = DmaMapping::map(dma, buffer, FromDevice, engine, MapOptions::new())?;
    Ok(())
}
