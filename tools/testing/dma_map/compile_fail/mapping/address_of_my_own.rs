// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: map-invalid-area

//! What is mapped is a buffer, and not a number that is taken for its address.

use dma_map::{
    DmaDevice,
    DmaMapping,
    Engine,
    MapOptions,
    ToDevice, //
};
use kernel::prelude::*;

// pass: pub type Data = KBox<u8>;
pub type Data = *mut u8;

pub fn map<E: Engine>(dma: DmaDevice<'_>, data: Data, engine: E) {
    let _mapping = DmaMapping::map(dma, data, ToDevice, engine, MapOptions::new());
}
