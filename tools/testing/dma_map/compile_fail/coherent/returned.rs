// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/DmaCoherent

//! The memory is freed before the device is unbound, so its handle cannot be kept longer.

use dma_map::{
    DmaCoherent,
    DmaDevice,
    Gfp, //
};
use kernel::prelude::*;

// pass: pub fn alloc(dma: DmaDevice<'_>) -> Result<DmaCoherent<'_, [u32]>> {
pub fn alloc(dma: DmaDevice<'_>) -> Result<DmaCoherent<'static, [u32]>> {
    DmaCoherent::zeroed_slice(dma, 4, Gfp::Kernel)
}
