// SPDX-License-Identifier: GPL-2.0
// error: E0369

//! A comparison is no check: the value that it looked at could be used as it is.

use dma_map::Untrusted;
use kernel::prelude::*;

pub fn fits(length: Untrusted<usize>) -> bool {
    // pass: length.length(63).is_ok()
    length < 64
}
