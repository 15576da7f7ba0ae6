// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! What a sign means for memory is stated by the engine.

use dma_map::{
    descriptor_ring::{
        Completes,
        DescriptorRing,
        Protocol, //
    },
    DmaCoherent,
    Engine,
    FromDevice,
    MappedBuffer, //
};
use kernel::prelude::*;

pub type Buffer<'bound> = MappedBuffer<'bound, u8, FromDevice>;

// pass: pub fn new<'b, P: Protocol, E: Completes<P>>(s: DmaCoherent<'b, [P::Slot]>, e: E) -> Result {
pub fn new<'b, P: Protocol, E: Engine>(s: DmaCoherent<'b, [P::Slot]>, e: E) -> Result {
    fn make<'b, P: Protocol, E: Completes<P>>(s: DmaCoherent<'b, [P::Slot]>, e: E) -> Result {
        drop(DescriptorRing::<P, E, Buffer<'b>>::new(s, e)?);
        Ok(())
    }
    make::<P, E>(s, e)
}
