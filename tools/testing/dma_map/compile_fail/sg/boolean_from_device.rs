// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! A device may read a `bool`, but not write one.

use dma_map::{
    DmaDevice,
    Engine,
    FromDevice,
    Gfp,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

// pass: pub const DIRECTION: ToDevice = ToDevice;
pub const DIRECTION: FromDevice = FromDevice;

pub type Other = (FromDevice, ToDevice);

pub fn map<E: Engine>(dma: DmaDevice<'_>, buffer: VVec<bool>, engine: E) -> Result {
    let _mapping = SgMapping::map(dma, buffer, DIRECTION, engine, Gfp::Kernel)?;
    Ok(())
}
