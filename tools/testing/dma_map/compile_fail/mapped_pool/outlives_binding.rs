// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/MappedPool

//! A pool ends with the binding of its device.

use dma_map::{
    DmaDevice,
    MappedPool,
    MappedPoolOptions,
    ToDevice, //
};
use kernel::prelude::*;

// pass: pub fn make(dma: DmaDevice<'_>) -> Result<MappedPool<'_, u8, ToDevice>> {
pub fn make(dma: DmaDevice<'_>) -> Result<MappedPool<'static, u8, ToDevice>> {
    MappedPool::new(dma, c"pool", 64, ToDevice, MappedPoolOptions::new(8))
}
