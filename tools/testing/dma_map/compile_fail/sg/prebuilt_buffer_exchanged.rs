// SPDX-License-Identifier: GPL-2.0
// error: E0596

//! The buffer behind a table that was built for it keeps its place and its length.

use dma_map::sg::Prebuilt;
use kernel::prelude::*;

pub fn reset(frame: &mut Prebuilt<VVec<u8>>) {
    // pass: frame.as_mut_slice().fill(0);
    frame.buffer().truncate(1);
}
