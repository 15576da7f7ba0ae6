// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: map-invalid-area

//! An address of the CPU is nothing for a device, and not plain bytes.

use dma_map::{
    DmaDevice,
    DmaMapping,
    Engine,
    MapOptions,
    ToDevice, //
};
use kernel::prelude::*;

pub static VALUE: u8 = 1;

pub fn map<E: Engine>(dma: DmaDevice<'_>, engine: E) -> Result {
    // pass: let buffer = KBox::new(VALUE, GFP_KERNEL)?;
    let buffer = KBox::new(&VALUE, GFP_KERNEL)?;
    let _mapping = DmaMapping::map(dma, buffer, ToDevice, engine, MapOptions::new())?;
    Ok(())
}
