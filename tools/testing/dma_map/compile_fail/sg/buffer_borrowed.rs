// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! A borrowed buffer could be freed while the device has it: `mem::forget` runs no destructor.

use dma_map::{
    DmaDevice,
    Engine,
    Gfp,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub fn map<E: Engine>(dma: DmaDevice<'_>, buffer: VVec<u8>, engine: E) -> Result {
    // pass: let _mapping = SgMapping::map(dma, buffer, ToDevice, engine, Gfp::Kernel)?;
    let _mapping = SgMapping::map(dma, &*buffer, ToDevice, engine, Gfp::Kernel)?;
    Ok(())
}
