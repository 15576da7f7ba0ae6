// SPDX-License-Identifier: GPL-2.0
// error: E0382

//! Memory that was posted is the ring's, until it is popped.

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

pub fn receive<'b, P: Protocol<Slot = u64>, E: Completes<P>>(
    ring: &mut DescriptorRing<'b, P, E, Buffer<'b>>,
    buffer: Buffer<'b>,
) -> Result<u8> {
    ring.post(buffer, |room| Ok(room.address()))?;
    ring.publish(|_| ());
    let popped = ring.pop()?.ok_or(EAGAIN)?;
    // pass: let first = popped.memory.as_slice()[0];
    let first = buffer.as_slice()[0];
    drop(popped);
    Ok(first)
}
