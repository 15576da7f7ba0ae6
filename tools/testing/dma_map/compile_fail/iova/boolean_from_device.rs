// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! The device may write any bits, and not all are a `bool`.

use dma_map::{
    Device,
    DmaDevice,
    Engine,
    FromDevice,
    Gfp,
    IovaMapping, //
};
use kernel::prelude::*;

// pass: pub type Slot = u8;
pub type Slot = bool;
pub type Mapping<'bound, E> = IovaMapping<'bound, KVec<Slot>, FromDevice, Device<E>>;

pub fn map<E: Engine>(dma: DmaDevice<'_>, data: KVec<Slot>, e: E) -> Result<Mapping<'_, E>> {
    Ok(IovaMapping::map(dma, data, FromDevice, e, Gfp::Kernel)?)
}
