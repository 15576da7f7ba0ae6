// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/DmaPool

//! A pool ends before the device is unbound.

use dma_map::{
    DmaDevice,
    DmaPool, //
};
use kernel::prelude::*;

// pass: pub fn make(dma: DmaDevice<'_>) -> Result<DmaPool<'_, u64>> {
pub fn make(dma: DmaDevice<'_>) -> Result<DmaPool<'static, u64>> {
    DmaPool::new(dma, c"pool")
}
