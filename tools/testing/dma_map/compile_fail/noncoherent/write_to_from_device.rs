// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: sync-write-only-for-device

//! What the device fills is not written by the CPU.

use dma_map::{
    DmaDevice,
    DmaNoncontiguous,
    Engine,
    FromDevice, //
};
use kernel::prelude::*;

pub fn work<E: Engine>(dma: DmaDevice<'_>, engine: E) -> Result {
    let mut memory = DmaNoncontiguous::<u32, _>::alloc(dma, 8, FromDevice)?;
    let _ = engine;
    // pass: let _ = memory.as_slice();
    let _ = memory.as_mut_slice();
    Ok(())
}
