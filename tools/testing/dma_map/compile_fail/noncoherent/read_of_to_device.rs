// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: sync-read-only-for-cpu, to-device-read-back

//! What the device only reads is not looked at as if it had been written.

use dma_map::{
    DmaDevice,
    DmaPages,
    Engine,
    Gfp,
    ToDevice, //
};
use kernel::prelude::*;

pub fn work<E: Engine>(dma: DmaDevice<'_>, engine: E) -> Result {
    let memory = DmaPages::<u32, _>::alloc(dma, 8, ToDevice, Gfp::Kernel)?;
    let _ = engine;
    // pass: let _ = memory.size();
    let _ = memory.as_slice();
    Ok(())
}
