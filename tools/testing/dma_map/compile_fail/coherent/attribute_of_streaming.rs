// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: free-different-attributes

//! Attributes of streaming mappings are not options of coherent memory.

use dma_map::{
    DmaCoherent,
    DmaDevice,
    Gfp, //
};
use kernel::{
    dma::attrs,
    prelude::*, //
};

pub fn alloc(dma: DmaDevice<'_>) -> Result {
    let _ = (attrs::DMA_ATTR_SKIP_CPU_SYNC, Gfp::Kernel);
    // pass: DmaCoherent::<u32>::zeroed(dma, Gfp::Kernel)?;
    DmaCoherent::<u32>::zeroed(dma, attrs::DMA_ATTR_SKIP_CPU_SYNC)?;
    Ok(())
}
