// SPDX-License-Identifier: GPL-2.0
// error: E0599
// misuse: padding-leaked

//! Elements with padding would show the device what was in memory before.

use dma_map::{
    DmaDevice,
    DmaNoncontiguous,
    ToDevice, //
};
use kernel::prelude::*;

#[repr(C)]
#[derive(FromBytes)]
pub struct Padded {
    _byte: u8,
    _word: u32,
}

pub fn alloc(dma: DmaDevice<'_>) -> Result {
    // pass: DmaNoncontiguous::<u32, _>::alloc(dma, 8, ToDevice)?;
    DmaNoncontiguous::<Padded, _>::alloc(dma, 8, ToDevice)?;
    Ok(())
}
