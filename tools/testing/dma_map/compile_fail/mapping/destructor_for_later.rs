// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! A mapping that the CPU has first is no other one.

use dma_map::{
    DmaDevice,
    DmaMapping,
    MapOptions,
    ToDevice, //
};
use kernel::prelude::*;

#[derive(FromBytes, IntoBytes)]
#[repr(transparent)]
pub struct WithDrop(u32);

impl Drop for WithDrop {
    fn drop(&mut self) {}
}

// pass: pub type Element = u32;
pub type Element = WithDrop;

pub fn map(dma: DmaDevice<'_>, value: KBox<Element>) -> Result {
    let _mapping = DmaMapping::map_cpu(dma, value, ToDevice, MapOptions::new())?;
    Ok(())
}
