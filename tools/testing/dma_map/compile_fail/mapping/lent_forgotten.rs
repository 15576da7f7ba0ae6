// SPDX-License-Identifier: GPL-2.0
// error: E0507

//! A scope can not be left with the mapping forgotten.

use dma_map::{
    engine::AlwaysStops,
    mapping::with_mapped,
    DmaDevice,
    FromDevice,
    MapOptions, //
};
use kernel::prelude::*;

pub fn read<E: AlwaysStops>(dma: DmaDevice<'_>, mut data: KVec<u8>, engine: E) -> Result {
    with_mapped(
        dma,
        &mut data[..],
        FromDevice,
        engine,
        MapOptions::new(),
        |lent| {
            // pass: core::mem::forget(lent.size());
            core::mem::forget(*lent);
            Ok(())
        },
    )
}
