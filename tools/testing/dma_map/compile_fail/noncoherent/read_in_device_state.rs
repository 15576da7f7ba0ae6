// SPDX-License-Identifier: GPL-2.0
// error: E0599
// misuse: racing-cpu-access

//! While the device has the memory there is no way to the elements.

use dma_map::{
    DmaDevice,
    DmaPages,
    Engine,
    FromDevice,
    Gfp, //
};
use kernel::prelude::*;

pub fn work<E: Engine>(dma: DmaDevice<'_>, engine: E) -> Result {
    let memory = DmaPages::<u32, _>::alloc(dma, 8, FromDevice, Gfp::Kernel)?;
    let memory = memory.give(engine);
    // pass: let _ = memory.complete()?.as_slice();
    let _ = memory.as_slice();
    Ok(())
}
