// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! What is lent ends with the scope.

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
        // pass: |lent| Ok(lent.size()),
        |lent| Ok(lent),
    )?;
    Ok(())
}
