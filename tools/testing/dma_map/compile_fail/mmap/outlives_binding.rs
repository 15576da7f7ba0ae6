// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/Mmap

//! Memory that processes can map ends with the binding.

use dma_map::{
    DmaCoherent,
    DmaDevice,
    Mmap,
    Shared, //
};

pub type Memory<'bound, E> = Mmap<DmaCoherent<'bound, [u32], Shared<E>>>;

pub fn keep<'bound, E: dma_map::Engine>(
    memory: Memory<'bound, E>,
    dma: DmaDevice<'bound>,
    // pass: ) -> Memory<'bound, E> {
) -> Memory<'static, E> {
    let _ = dma;
    memory
}
