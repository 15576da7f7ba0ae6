// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: padding-leaked

//! Padding would show the device what was in memory before.

use dma_map::{
    DmaDevice,
    Engine,
    Gfp,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

#[derive(FromBytes, IntoBytes)]
#[repr(C)]
pub struct Command {
    pub len: u32,
    // pass: pub kind: u32,
    pub kind: u8,
}

pub fn map<E: Engine>(dma: DmaDevice<'_>, buffer: VVec<Command>, engine: E) -> Result {
    let _mapping = SgMapping::map(dma, buffer, ToDevice, engine, Gfp::Kernel)?;
    Ok(())
}
