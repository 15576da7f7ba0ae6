// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! The device may write any bits, and not all are one of an enum's values.

use dma_map::{
    DmaCoherent,
    DmaDevice,
    Gfp, //
};
use kernel::prelude::*;

#[derive(IntoBytes)]
#[repr(u32)]
pub enum Status {
    Idle,
    Busy,
}

// pass: pub fn alloc(dma: DmaDevice<'_>) -> Result<DmaCoherent<'_, u32>> {
pub fn alloc(dma: DmaDevice<'_>) -> Result<DmaCoherent<'_, Status>> {
    DmaCoherent::zeroed(dma, Gfp::Kernel)
}
