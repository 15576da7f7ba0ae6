// SPDX-License-Identifier: GPL-2.0
// error: E0599
// misuse: racing-cpu-access

//! What the device owns is not for the CPU to read.

use dma_map::{
    Device,
    Engine,
    FromDevice,
    IovaMapping, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = IovaMapping<'bound, VVec<u8>, FromDevice, Device<E>>;

pub fn first<E: Engine>(mapping: Mapping<'_, E>) -> Result<Option<u8>> {
    // pass: let first = mapping.complete()?.as_slice().first().copied();
    let first = mapping.as_slice().first().copied();
    Ok(first)
}
