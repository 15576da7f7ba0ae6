// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! What a device is told of was shared with it. There is one error, and it says what is missing.

use dma_map::{
    DmaCoherent,
    DmaDevice,
    Engine,
    FromDevice,
    Gfp,
    SgMapping,
    Transfer, //
};
use kernel::prelude::*;

pub fn receive<E: Engine + Copy>(dma: DmaDevice<'_>, engine: E, room: VVec<u8>) -> Result<u64> {
    let mut command = DmaCoherent::<u32>::zeroed(dma, Gfp::Kernel)?;
    *command = 1;
    // pass: let command = command.give(engine);
    let command = command;
    let room = SgMapping::map(dma, room, FromDevice, engine, Gfp::Kernel)?;
    let mut last = 0;
    let transfer = Transfer::start((command, room), |(command, room)| {
        last = room.fold(command.address(), |last, piece| last.max(piece.address()));
        Ok(())
    })?;
    let _ = transfer.complete()?;
    Ok(last)
}
