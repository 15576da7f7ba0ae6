// SPDX-License-Identifier: GPL-2.0
// error: E0133

//! The table that was built for a buffer does not become another one's.

use dma_map::sg::{
    Prebuilt,
    SgBuffer, //
};
use kernel::prelude::*;

pub type Frame = Prebuilt<VVec<u8>>;

pub fn exchange(a: &mut Frame, b: &mut Frame) -> Option<()> {
    // pass: core::mem::swap(a, b);
    core::mem::swap(a.kept_table_mut()?, b.kept_table_mut()?);
    a.kept_table().map(drop)
}
