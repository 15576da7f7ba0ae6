// SPDX-License-Identifier: GPL-2.0
// error: E0599

//! While the CPU has the memory there is no address for the device.

use dma_map::{
    Bidirectional,
    DmaDevice,
    DmaNoncontiguous,
    Engine, //
};
use kernel::prelude::*;

pub fn work<E: Engine>(dma: DmaDevice<'_>, engine: E) -> Result {
    let memory = DmaNoncontiguous::<u32, _>::alloc(dma, 8, Bidirectional)?;
    // pass: let _ = memory.give(engine).dma_address();
    let _ = (memory.dma_address(), engine);
    Ok(())
}
