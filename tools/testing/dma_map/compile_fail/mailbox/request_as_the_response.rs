// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! The device writes to the response slot, and reads the other one.

use dma_map::{
    direction::CpuReads,
    mailbox::{
        Mailbox,
        Slots, //
    },
    Piece,
    Transfer, //
};
use kernel::prelude::*;

fn store<D: CpuReads, E>(piece: Piece<'_, D, E>) -> Result {
    let _ = piece.address();
    Ok(())
}

pub fn ask<M: Slots>(mailbox: &mut Mailbox<M>) -> Result {
    let exchange = mailbox.post(&[1], &[])?;
    Transfer::start(exchange, |(request, response)| {
        let _ = (request, response);
        // pass: store(response)
        store(request)
    })?
    .complete()?;
    Ok(())
}
