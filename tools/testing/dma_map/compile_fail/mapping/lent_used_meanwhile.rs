// SPDX-License-Identifier: GPL-2.0
// error: E0502
// misuse: overlapping-cachelines, racing-cpu-access

//! What is lent to a device is not accessible until the scope ends.

use dma_map::{
    engine::AlwaysStops,
    mapping::with_mapped,
    DmaDevice,
    FromDevice,
    MapOptions, //
};
use kernel::prelude::*;

pub fn read<E: AlwaysStops>(dma: DmaDevice<'_>, mut data: KVec<u8>, engine: E) -> Result<usize> {
    let other = data.len();
    with_mapped(
        dma,
        &mut data[..],
        FromDevice,
        engine,
        MapOptions::new(),
        |lent| {
            // pass: let seen = other;
            let seen = data.len();
            Ok(lent.size() + seen)
        },
    )
}
