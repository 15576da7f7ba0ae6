// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/DescriptorRing

//! A ring, and what its slots own, ends with the binding.

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

pub type Slots<'bound, P> = DmaCoherent<'bound, [<P as Protocol>::Slot]>;
pub type Ring<'bound, P, E> = DescriptorRing<'bound, P, E, MappedBuffer<'bound, u8, FromDevice>>;

// pass: pub fn new<'b, P: Protocol, E: Completes<P>>(s: Slots<'b, P>, e: E) -> Result<Ring<'b, P, E>> {
pub fn new<'b, P: Protocol, E: Completes<P>>(s: Slots<'b, P>, e: E) -> Result<Ring<'static, P, E>> {
    DescriptorRing::new(s, e)
}
