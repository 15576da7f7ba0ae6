// SPDX-License-Identifier: GPL-2.0

//! Payloads: copied from scattered memory through the device's buffer to scattered memory.

use crate::{
    engine::Edu,
    queue::Request,
    regs, //
};
use dma_map::{
    wait::Deadline,
    DmaDevice,
    FromDevice,
    Gfp,
    SgMapping,
    ToDevice,
    Transfer, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// How many bytes the device's buffer holds.
const TURN: usize = regs::BUFFER_SIZE as usize;

/// Lets the device copy the payload of `request` to its reply, and returns that.
///
/// Source and destination have pieces of different lengths, as their offsets in a page differ. So each
/// turn gathers as much as the device's buffer holds, and then scatters it.
///
/// # Errors
///
/// - `EIO`, `ENOMEM`: the memory cannot be mapped, see [`SgMapping::map`].
/// - Those of [`Edu::fill`].
pub(crate) fn loop_back<'bound>(
    dma: DmaDevice<'bound>,
    edu: &Arc<Edu<'bound>>,
    request: Request,
    deadline: &Deadline,
) -> Result<VVec<u8>> {
    let Request {
        head,
        payload,
        reply,
        ..
    } = request;

    let source = SgMapping::map(dma, payload, ToDevice, edu.clone(), Gfp::Kernel)?;
    let destination = SgMapping::map(dma, reply, FromDevice, edu.clone(), Gfp::Kernel)?;

    let transfer = Transfer::start((source, destination), |(mut from, mut to)| {
        from.skip_bytes(head.source_offset.into())?;
        to.skip_bytes(head.destination_offset.into())?;
        let mut left = head.length();

        while left != 0 {
            let turn = left.min(TURN);

            let mut at = 0;
            while at < turn {
                let piece = from.cut(turn - at).ok_or(EINVAL)?;
                edu.fill(piece, at, deadline)?;
                at += piece.len();
            }

            let mut at = 0;
            while at < turn {
                let piece = to.cut(turn - at).ok_or(EINVAL)?;
                edu.drain(piece, at, deadline)?;
                at += piece.len();
            }

            left -= turn;
        }
        Ok(())
    })?;

    // A command that was not done in time is an error of `start()`, which has stopped the device and
    // freed the memory.
    let (_, destination) = transfer.complete()?;
    Ok(destination.unmap())
}
