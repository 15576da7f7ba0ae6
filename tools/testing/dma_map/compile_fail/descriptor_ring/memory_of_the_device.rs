// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! A ring takes memory of the CPU, so that no other device was told of it.

use dma_map::{
    descriptor_ring::{
        Completes,
        DescriptorRing,
        Protocol, //
    },
    DmaCoherent,
    FromDevice,
    MappedBuffer, //
};
use kernel::prelude::*;

// pass: pub type Buffer<'bound, E> = (MappedBuffer<'bound, u8, FromDevice>, Of<E>);
pub type Buffer<'bound, E> = (MappedBuffer<'bound, u8, FromDevice, dma_map::Device<E>>, Of<E>);
pub type Of<E> = dma_map::transfer::Carried<Option<E>>;

pub fn new<'b, P: Protocol, E: Completes<P>>(s: DmaCoherent<'b, [P::Slot]>, e: E) -> Result {
    drop(DescriptorRing::<P, E, Buffer<'b, E>>::new(s, e)?);
    Ok(())
}
