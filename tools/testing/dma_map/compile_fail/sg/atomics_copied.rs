// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: racing-cpu-access

//! Atomics may be written while the mapping is shared: a copy of their bytes would race.

use core::sync::atomic::AtomicU8;
use dma_map::{
    Cpu,
    FromDevice,
    SgMapping, //
};
use kernel::prelude::*;

// pass: pub type Element = u8;
pub type Element = AtomicU8;

pub fn copy(mapping: &SgMapping<'_, KVec<Element>, FromDevice, Cpu>) -> Result {
    let _ = AtomicU8::new(0);
    let mut data = [0; 4];
    mapping.read(0, &mut data)
}
