// SPDX-License-Identifier: GPL-2.0
// error: E0382

//! A buffer with a table is the mapping's while it is mapped.

use dma_map::{
    sg::Prebuilt,
    DmaDevice,
    Engine,
    Gfp,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub fn send<E: Engine>(dma: DmaDevice<'_>, mut frame: Prebuilt<VVec<u8>>, engine: E) -> Result {
    let mapping = SgMapping::map(dma, frame, ToDevice, engine, Gfp::Kernel)?;
    // pass: frame = mapping.unmap()?;
    drop(mapping);
    frame.as_mut_slice().fill(0);
    Ok(())
}
