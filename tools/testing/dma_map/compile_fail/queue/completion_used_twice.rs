// SPDX-License-Identifier: GPL-2.0
// error: E0382

//! A completion ends one command.

use dma_map::{
    descriptor_ring::Completes,
    queue::{
        Commands,
        Completion,
        Tagged, //
    },
    FromDevice,
    MappedBuffer, //
};
use kernel::prelude::*;

pub type Buffer<'bound> = MappedBuffer<'bound, u8, FromDevice>;

pub fn take<'b, P: Tagged, E: Completes<P>>(
    commands: &mut Commands<'b, P, E, Buffer<'b>>,
    completion: Completion<P>,
) -> Result {
    let _ = commands.take(completion)?;
    // pass: Ok(())
    commands.take(completion).map(drop)
}
