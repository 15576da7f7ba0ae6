// SPDX-License-Identifier: GPL-2.0

//! Payloads: from scattered memory, through the device's buffer, to scattered memory.

use crate::{
    engine::Edu,
    events::Deadline,
    piece::Pieces,
    queue::Request,
    regs, //
};
use dma_map::{
    DmaDevice,
    FromDevice,
    Gfp,
    SgMapping,
    ToDevice, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// Lets the device copy the payload of `request` to its reply, and returns that.
///
/// Source and destination are divided differently, into pages from different offsets. So each turn
/// gathers as much as the device's buffer holds, and scatters it again.
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
    let mut from = Pieces::new(&source, head.source_offset.into())?;
    let mut to = Pieces::new(&destination, head.destination_offset.into())?;
    let mut left = head.length;

    while left != 0 {
        let turn = left.min(regs::BUFFER_SIZE);

        let mut at = 0;
        while at < turn {
            let piece = from.take(turn - at)?;
            edu.fill(&piece, at, deadline)?;
            at += piece.len();
        }

        let mut at = 0;
        while at < turn {
            let piece = to.take(turn - at)?;
            edu.drain(&piece, at, deadline)?;
            at += piece.len();
        }

        left -= turn;
    }

    Ok(destination.unmap()?)
}
