// SPDX-License-Identifier: GPL-2.0
// error: E0594
// misuse: free-different-size, free-different-entry-count, sync-different-entry-count

//! A mapped buffer cannot be exchanged for another.

use dma_map::{
    Bidirectional,
    Cpu,
    SgMapping, //
};
use kernel::prelude::*;

pub type Mapping<'bound> = SgMapping<'bound, VVec<u8>, Bidirectional, Cpu>;

pub fn clear(mapping: &mut Mapping<'_>) {
    // pass: mapping.as_mut_slice().fill(0);
    *mapping.buffer() = VVec::new();
}
