// SPDX-License-Identifier: GPL-2.0
// error: E0608

//! The driver's words of a response are checked before they mean something.

use dma_map::mailbox::{
    Mailbox,
    Slots, //
};
use kernel::prelude::*;

pub fn opcode<M: Slots>(mailbox: &Mailbox<M>) -> Result<u32> {
    let (_, words) = mailbox.take()?;
    // pass: words.map(|words| words[0]).exactly(7)
    Ok(words[0])
}
