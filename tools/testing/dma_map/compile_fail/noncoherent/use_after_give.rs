// SPDX-License-Identifier: GPL-2.0
// error: E0382

//! Memory that was given to the device is not used through the old handle.

use dma_map::{
    Bidirectional,
    DmaDevice,
    DmaPages,
    Engine,
    Gfp, //
};
use kernel::prelude::*;

pub fn work<E: Engine>(dma: DmaDevice<'_>, engine: E) -> Result {
    let memory = DmaPages::<u32, _>::alloc(dma, 8, Bidirectional, Gfp::Kernel)?;
    let given = memory.give(engine);
    // pass: let _ = (given.size(), given);
    let _ = (memory.size(), given);
    Ok(())
}
