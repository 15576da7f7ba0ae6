// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! A mapping that somebody lent cannot be exchanged for one whose binding ends earlier.

use dma_map::{
    Device,
    DmaMapping,
    Engine,
    ToDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = DmaMapping<'bound, KVec<u8>, ToDevice, Device<E>>;

pub fn exchange<'short, 'long: 'short, E: Engine>(
    old: &mut Mapping<'long, E>,
    // pass: new: Mapping<'long, E>,
    new: Mapping<'short, E>,
) {
    *old = new;
}
