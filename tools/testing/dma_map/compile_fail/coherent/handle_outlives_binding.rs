// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/CoherentHandle

//! Memory for the device alone ends with the binding too.

use dma_map::{
    CoherentHandle,
    DmaDevice,
    Engine,
    Gfp, //
};
use kernel::prelude::*;

// pass: pub fn heap<E: Engine>(dma: DmaDevice<'_>, engine: E) -> Result<CoherentHandle<'_, E>> {
pub fn heap<E: Engine>(dma: DmaDevice<'_>, engine: E) -> Result<CoherentHandle<'static, E>> {
    CoherentHandle::alloc(dma, 4096, engine, Gfp::Kernel)
}
