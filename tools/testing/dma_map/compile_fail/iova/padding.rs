// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: padding-leaked

//! Padding would show the device what was in memory before.

use dma_map::{
    Device,
    DmaDevice,
    Engine,
    Gfp,
    IovaMapping,
    ToDevice, //
};
use kernel::prelude::*;

#[derive(FromBytes, IntoBytes)]
#[repr(C)]
pub struct Slot {
    pub len: u32,
    // pass: pub kind: u32,
    pub kind: u8,
}

pub type Mapping<'bound, E> = IovaMapping<'bound, KVec<Slot>, ToDevice, Device<E>>;

pub fn map<E: Engine>(dma: DmaDevice<'_>, data: KVec<Slot>, e: E) -> Result<Mapping<'_, E>> {
    Ok(IovaMapping::map(dma, data, ToDevice, e, Gfp::Kernel)?)
}
