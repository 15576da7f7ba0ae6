// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/SgAddresses

//! Addresses that are left of a mapping end before the device is unbound.

use dma_map::{
    sg::SgAddresses,
    state::Device,
    Engine,
    Gfp,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = SgMapping<'bound, KVec<u8>, ToDevice, Device<E>>;
pub type Addresses<'bound, E> = SgAddresses<'bound, KVec<u8>, ToDevice, E>;

// pass: pub fn addresses<E: Engine>(mapping: Mapping<'_, E>) -> Result<Addresses<'_, E>> {
pub fn addresses<E: Engine>(mapping: Mapping<'_, E>) -> Result<Addresses<'static, E>> {
    Ok(mapping.into_addresses(Gfp::Kernel)?)
}
