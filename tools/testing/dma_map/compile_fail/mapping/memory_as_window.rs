// SPDX-License-Identifier: GPL-2.0
// error: E0308
// misuse: free-wrong-function, map-ram-as-resource

//! Memory is not mapped as I/O memory.

use dma_map::{
    mapping::{
        MmioMapping,
        MmioWindow, //
    },
    DmaDevice,
    Engine,
    FromDevice, //
};
use kernel::prelude::*;

pub fn map<'a, E: Engine>(dma: DmaDevice<'a>, window: MmioWindow<'a>, engine: E) -> Result {
    let memory = KBox::new([0u8; 64], GFP_KERNEL)?;
    let place = core::ptr::from_ref(&*memory).addr() as u64;
    // pass: drop((MmioMapping::map(dma, window, FromDevice, engine)?, place));
    drop(MmioMapping::map(dma, place, FromDevice, engine)?);
    window.len();
    Ok(())
}
