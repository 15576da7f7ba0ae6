// SPDX-License-Identifier: GPL-2.0

//! [`SgMapping`](dma_map::SgMapping) and its buffers.

mod addresses;
mod boundaries;
mod dma_pages;
mod failures;
mod free;
mod interop;
mod list;
mod map;
mod offset;
mod options;
mod page_list;
mod prebuilt;
mod quarantine;
mod range;
mod round_trip;
mod split;
mod upstream;
mod user;
mod user_drop;
mod user_pins;

use crate::{
    check::*,
    pattern,
    sample::{
        each_buffer,
        Sample, //
    }, //
};
use dma_map::{
    direction::Direction,
    sg::{
        Segment,
        SgBuffer,
        SgSource, //
    },
    state::Device,
    DmaLimits,
    Engine,
    Gfp,
    PageList,
    SgMapping, //
};
use kernel::{
    dma::DmaMask,
    page::PAGE_SIZE,
    prelude::*, //
};

/// Sizes around bytes, slots of the bounce pool, pages and the bus's largest segment.
const SIZES: [usize; 9] = [
    1,
    2,
    511,
    2048,
    PAGE_SIZE - 1,
    PAGE_SIZE,
    PAGE_SIZE + 1,
    3 * PAGE_SIZE + 17,
    65537,
];

/// Checks that the segments are all of the mapping, each within the limits.
fn check_segments<B, D, E>(mapping: &SgMapping<'_, B, D, Device<E>>) -> Result<usize>
where
    B: SgSource,
    D: Direction,
    E: Engine,
{
    let dma = mapping.device();
    let (max, boundary, mask) = (dma.max_segment_size(), dma.segment_boundary(), dma.mask());
    let mut sum = 0;
    let mut count = 0;

    for Segment { address, len } in mapping.segments() {
        let last = address + u64::from(len) - 1;
        check!(len > 0, "an empty segment");
        check!(len <= max, "{len} bytes are more than {max}");
        check!(
            address & !boundary == last & !boundary,
            "{address:#x}+{len:#x} crosses {boundary:#x}"
        );
        check!(last <= mask, "{last:#x} is beyond {mask:#x}");
        sum += len as usize;
        count += 1;
    }
    check_eq!(sum, mapping.size());

    Ok(count)
}
