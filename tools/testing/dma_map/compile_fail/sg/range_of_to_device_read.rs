// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: sync-read-only-for-cpu

//! There is nothing to read in a range of what only the CPU writes.

use dma_map::{
    Device,
    Engine,
    FromDevice,
    PageList,
    SgMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub type Directions = (ToDevice, FromDevice);

// pass: pub type Mapping<'bound, E> = SgMapping<'bound, PageList, FromDevice, Device<E>>;
pub type Mapping<'bound, E> = SgMapping<'bound, PageList, ToDevice, Device<E>>;

pub fn look<E: Engine>(mapping: &mut Mapping<'_, E>, data: &mut [u8]) -> Result {
    mapping.sync_read(0, data)
}
