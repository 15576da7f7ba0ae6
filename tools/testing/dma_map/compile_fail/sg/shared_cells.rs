// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: racing-cpu-access

//! What may not be used by two threads at once does not become so by being mapped.

use core::cell::Cell;
use dma_map::{
    Cpu,
    FromDevice,
    SgMapping, //
};
use kernel::prelude::*;

fn shared_with_another_thread<T: Sync>(_: &T) {}

// pass: pub fn share(mapping: &SgMapping<'_, VVec<u8>, FromDevice, Cpu>) {
pub fn share(mapping: &SgMapping<'_, VVec<Cell<u8>>, FromDevice, Cpu>) {
    let _ = Cell::new(0);
    shared_with_another_thread(mapping);
}
