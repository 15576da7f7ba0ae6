// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/Transfer

//! A transfer ends before the device is unbound.

use dma_map::{
    Device,
    DmaMapping,
    Engine,
    ToDevice,
    Transfer, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = DmaMapping<'bound, KVec<u8>, ToDevice, Device<E>>;

// pass: pub fn send<E: Engine>(mapping: Mapping<'_, E>) -> Result<Transfer<Mapping<'_, E>>> {
pub fn send<E: Engine>(mapping: Mapping<'_, E>) -> Result<Transfer<Mapping<'static, E>>> {
    Ok(Transfer::start(mapping, |_| Ok(()))?)
}
