// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/DmaNoncontiguous

//! Pages from anywhere end with the binding.

use dma_map::{
    DmaDevice,
    DmaNoncontiguous,
    ToDevice, //
};
use kernel::prelude::*;

// pass: pub fn pages(dma: DmaDevice<'_>) -> Result<DmaNoncontiguous<'_, u8, ToDevice>> {
pub fn pages(dma: DmaDevice<'_>) -> Result<DmaNoncontiguous<'static, u8, ToDevice>> {
    DmaNoncontiguous::alloc(dma, 4096, ToDevice)
}
