// SPDX-License-Identifier: GPL-2.0
// error: E0308
// misuse: free-different-direction, sync-different-direction

//! What was mapped in one direction is synced and unmapped in that one.

use dma_map::{
    Busy,
    Device,
    DmaMapping,
    Engine,
    FromDevice,
    ToDevice, //
};
use kernel::prelude::*;

pub type Sent<'bound, E> = DmaMapping<'bound, KVec<u8>, ToDevice, Device<E>>;
pub type Received<'bound, E> = DmaMapping<'bound, KVec<u8>, FromDevice, Device<E>>;

pub fn finish<E: Engine>(mapping: Received<'_, E>) -> Result<KVec<u8>, Busy<Received<'_, E>>> {
    mapping.unmap()
}

pub fn run<E: Engine>(_one: Sent<'_, E>, _two: Received<'_, E>) {
    // pass: let _ = finish(_two);
    let _ = finish(_one);
}
