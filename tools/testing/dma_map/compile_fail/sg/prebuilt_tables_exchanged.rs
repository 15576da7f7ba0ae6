// SPDX-License-Identifier: GPL-2.0
// error: E0616

//! The table that was built for a buffer does not become another one's.

use dma_map::sg::Prebuilt;
use kernel::prelude::*;

pub type Frame = Prebuilt<VVec<u8>>;

pub fn exchange(a: &mut Frame, b: &mut Frame) {
    // pass: core::mem::swap(a, b);
    core::mem::swap(&mut a.inner, &mut b.inner);
}
