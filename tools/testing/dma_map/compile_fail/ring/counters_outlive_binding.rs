// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/InMemory

//! Counters in coherent memory end with the binding.

use dma_map::{
    ring::InMemory,
    DmaDevice,
    Engine,
    Gfp, //
};
use kernel::prelude::*;

// pass: pub fn counters<E: Engine>(dma: DmaDevice<'_>, engine: E) -> Result<InMemory<'_, E>> {
pub fn counters<E: Engine>(dma: DmaDevice<'_>, engine: E) -> Result<InMemory<'static, E>> {
    InMemory::new(dma, engine, Gfp::Kernel)
}
