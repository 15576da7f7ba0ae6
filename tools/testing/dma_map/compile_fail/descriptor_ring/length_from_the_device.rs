// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! What the device wrote back is checked before it is used.

use dma_map::{
    descriptor_ring::{
        Completes,
        DescriptorRing,
        Protocol, //
    },
    FromDevice,
    MappedBuffer, //
};
use kernel::prelude::*;

pub type Buffer<'bound> = MappedBuffer<'bound, u8, FromDevice>;

pub fn receive<'b, P: Protocol<Slot = u32>, E: Completes<P>>(
    ring: &mut DescriptorRing<'b, P, E, Buffer<'b>>,
) -> Result<u8> {
    let done = ring.pop()?.ok_or(EAGAIN)?;
    let data = done.memory.as_slice();
    // pass: Ok(data[done.descriptor.index(data.len())?])
    Ok(data[done.descriptor])
}
