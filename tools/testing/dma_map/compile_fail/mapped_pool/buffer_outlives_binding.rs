// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/MappedBuffer

//! A buffer may outlive its pool, and never the binding.

use dma_map::{
    MappedBuffer,
    MappedPool,
    ToDevice, //
};
use kernel::prelude::*;

pub type Pool<'bound> = MappedPool<'bound, u8, ToDevice>;

// pass: pub fn take<'b>(pool: &Pool<'b>) -> Result<MappedBuffer<'b, u8, ToDevice>> {
pub fn take<'b>(pool: &Pool<'b>) -> Result<MappedBuffer<'static, u8, ToDevice>> {
    pool.take()
}
