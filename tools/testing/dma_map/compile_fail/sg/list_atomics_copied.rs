// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: racing-cpu-access

//! A pair is written while it is shared if one of its buffers is.

use core::sync::atomic::AtomicU8;
use dma_map::{
    Bidirectional,
    Cpu,
    SgMapping, //
};
use kernel::prelude::*;

// pass: pub type Element = u8;
pub type Element = AtomicU8;

pub type Pair = (KVec<u8>, VVec<Element>);

pub fn copy(mapping: &SgMapping<'_, Pair, Bidirectional, Cpu>) -> Result {
    let _ = AtomicU8::new(0);
    let mut data = [0; 4];
    mapping.read(0, &mut data)
}
