// SPDX-License-Identifier: GPL-2.0
// error: E0451

//! A message comes from a mailbox, where its length was checked.

use dma_map::mailbox::Message;

pub fn message(other: Message, length: usize) -> Message {
    let _ = length;
    // pass: other
    Message { length, ..other }
}
