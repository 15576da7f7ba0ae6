// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/DmaMapping

//! A mapping ends before the device is unbound.

use dma_map::{
    Device,
    DmaDevice,
    DmaMapping,
    Engine,
    MapOptions,
    ToDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = DmaMapping<'bound, KVec<u8>, ToDevice, Device<E>>;

// pass: pub fn map<E: Engine>(dma: DmaDevice<'_>, data: KVec<u8>, e: E) -> Result<Mapping<'_, E>> {
pub fn map<E: Engine>(dma: DmaDevice<'_>, data: KVec<u8>, e: E) -> Result<Mapping<'static, E>> {
    Ok(DmaMapping::map(dma, data, ToDevice, e, MapOptions::new())?)
}
