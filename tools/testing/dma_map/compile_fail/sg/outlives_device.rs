// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/SgMapping

//! A mapping ends before the device is unbound.

use dma_map::{
    Device,
    DmaDevice,
    Engine,
    Gfp,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = SgMapping<'bound, VVec<u8>, ToDevice, Device<E>>;

// pass: pub fn map<E: Engine>(dma: DmaDevice<'_>, data: VVec<u8>, e: E) -> Result<Mapping<'_, E>> {
pub fn map<E: Engine>(dma: DmaDevice<'_>, data: VVec<u8>, e: E) -> Result<Mapping<'static, E>> {
    Ok(SgMapping::map(dma, data, ToDevice, e, Gfp::Kernel)?)
}
