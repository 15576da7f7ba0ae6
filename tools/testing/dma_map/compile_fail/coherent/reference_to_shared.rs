// SPDX-License-Identifier: GPL-2.0
// error: E0614
// misuse: reference-into-shared

//! Shared memory is never behind a reference.

use dma_map::{
    Busy,
    DmaCoherent,
    Engine,
    Shared, //
};

pub fn sum<'bound, E: Engine>(
    memory: DmaCoherent<'bound, [u32], Shared<E>>,
) -> Result<u32, Busy<DmaCoherent<'bound, [u32], Shared<E>>>> {
    // pass: let data: &[u32] = &*memory.complete()?;
    let data: &[u32] = &*memory;
    Ok(data.iter().sum())
}
