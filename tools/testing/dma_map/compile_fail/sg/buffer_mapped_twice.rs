// SPDX-License-Identifier: GPL-2.0
// error: E0382
// misuse: overlapping-cachelines

//! One buffer has one mapping.

use dma_map::{
    DmaDevice,
    Engine,
    Gfp,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub fn map<E: Engine + Copy>(dma: DmaDevice<'_>, buffer: VVec<u8>, engine: E) -> Result {
    let one = SgMapping::map(dma, buffer, ToDevice, engine, Gfp::Kernel)?;
    // pass: let buffer = one.unmap()?;
    let _one = one;
    let _two = SgMapping::map(dma, buffer, ToDevice, engine, Gfp::Kernel)?;
    Ok(())
}
