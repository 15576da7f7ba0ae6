// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: padding-leaked

//! An element type that may have padding is refused in each direction.

use dma_map::{
    DmaDevice,
    Engine,
    Gfp,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

#[repr(C)]
pub struct Command {
    pub len: u32,
    pub kind: u8,
}

// pass: pub fn map<E: Engine>(dma: DmaDevice<'_>, buffer: VVec<u64>, engine: E) -> Result {
pub fn map<E: Engine>(dma: DmaDevice<'_>, buffer: VVec<Command>, engine: E) -> Result {
    let _mapping = SgMapping::map(dma, buffer, ToDevice, engine, Gfp::Kernel)?;
    Ok(())
}
