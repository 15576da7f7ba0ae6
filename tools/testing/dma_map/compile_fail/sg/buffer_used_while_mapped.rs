// SPDX-License-Identifier: GPL-2.0
// error: E0382
// misuse: racing-cpu-access

//! The mapping owns its buffer until it gives it back.

use dma_map::{
    DmaDevice,
    Engine,
    Gfp,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub fn map<E: Engine>(dma: DmaDevice<'_>, buffer: VVec<u8>, engine: E) -> Result<usize> {
    let len = buffer.len();
    let mapping = SgMapping::map(dma, buffer, ToDevice, engine, Gfp::Kernel)?;
    // pass: let again = len;
    let again = buffer.len();
    drop(mapping);
    Ok(again)
}
