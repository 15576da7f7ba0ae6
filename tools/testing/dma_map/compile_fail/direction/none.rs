// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: direction-none

//! There is no direction of nothing: `DMA_NONE` makes the kernel stop with a BUG.

use dma_map::{
    DmaDevice,
    Engine,
    Gfp,
    SgMapping,
    ToDevice, //
};
use kernel::{
    dma::DataDirection,
    prelude::*, //
};

pub type Directions = (ToDevice, DataDirection);

pub fn map<E: Engine>(dma: DmaDevice<'_>, buffer: VVec<u8>, engine: E) -> Result {
    // pass: let _mapping = SgMapping::map(dma, buffer, ToDevice, engine, Gfp::Kernel)?;
    let _mapping = SgMapping::map(dma, buffer, DataDirection::None, engine, Gfp::Kernel)?;
    Ok(())
}
