// SPDX-License-Identifier: GPL-2.0
// error: E0308
// misuse: free-different-direction, sync-different-direction

//! What was mapped in one direction is synced and unmapped in that one.

use dma_map::{
    Busy,
    Cpu,
    Device,
    Engine,
    FromDevice,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub type Sent<'bound, E> = SgMapping<'bound, KVec<u8>, ToDevice, Device<E>>;
pub type Received<'bound, S> = SgMapping<'bound, KVec<u8>, FromDevice, S>;

pub fn take<'b, E: Engine>(
    mapping: Received<'b, Device<E>>,
) -> Result<Received<'b, Cpu>, Busy<Received<'b, Device<E>>>> {
    mapping.complete()
}

pub fn run<E: Engine>(_one: Sent<'_, E>, _two: Received<'_, Device<E>>) {
    // pass: let _ = take(_two);
    let _ = take(_one);
}
