// SPDX-License-Identifier: GPL-2.0
// error: E0499

//! A request is not written over one that the device was told of.

use dma_map::{
    mailbox::{
        Mailbox,
        Slots, //
    },
    Transfer, //
};
use kernel::prelude::*;

pub fn ask<M: Slots>(mailbox: &mut Mailbox<M>) -> Result<u32> {
    let first = Transfer::start(mailbox.post(&[1], &[])?, |_| Ok(()))?;
    // pass: first.handles().mailbox().take()?;
    mailbox.post(&[2], &[])?;
    Ok(first.complete()?.take()?.0.sequence())
}
