// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/DmaPages

//! Pages for streaming end with the binding.

use dma_map::{
    DmaDevice,
    DmaPages,
    Gfp,
    ToDevice, //
};
use kernel::prelude::*;

// pass: pub fn pages(dma: DmaDevice<'_>) -> Result<DmaPages<'_, u8, ToDevice>> {
pub fn pages(dma: DmaDevice<'_>) -> Result<DmaPages<'static, u8, ToDevice>> {
    DmaPages::alloc(dma, 4096, ToDevice, Gfp::Kernel)
}
