// SPDX-License-Identifier: GPL-2.0
// error: E0521

//! A descriptor is made while the memory is the device's.

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
) -> Result {
    let mut kept = None;
    ring.post(buffer, |room| {
        // pass: kept = Some(room.len());
        kept = Some(room);
        Ok(0)
    })?;
    Ok(())
}
