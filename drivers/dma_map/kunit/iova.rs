// SPDX-License-Identifier: GPL-2.0

//! [`IovaMapping`](dma_map::IovaMapping): with an IOMMU and without.

mod failures;
mod free;
mod gaps;
mod map;
mod transitions;

use crate::{
    c,
    check::*,
    device_side,
    fixture::Probe,
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
        SgBuffer, //
    },
    state::Device,
    DmaLimits,
    Engine,
    Gfp,
    IovaMapping,
    PageList, //
};
use kernel::{
    dma::DmaMask,
    page::PAGE_SIZE,
    prelude::*, //
};

const SIZES: [usize; 10] = [
    1,
    511,
    PAGE_SIZE - 1,
    PAGE_SIZE,
    PAGE_SIZE + 1,
    3 * PAGE_SIZE + 17,
    65535,
    65536,
    65537,
    130_000,
];

/// Whether a device maps by an IOMMU.
fn translated(probe: &Probe<'_, '_>) -> bool {
    c::dma_domain(probe.device()).is_some()
}

/// The device fills its segments with the pattern `seed`.
fn fill<B, D, E>(mapping: &IovaMapping<'_, B, D, Device<E>>, seed: u8) -> Result
where
    B: SgBuffer,
    D: Direction,
    E: Engine,
{
    device_side::fill_segments(mapping.device(), &mut mapping.segments(), seed)
}

/// Returns whether the device finds the pattern `seed` in its segments.
fn finds<B, D, E>(mapping: &IovaMapping<'_, B, D, Device<E>>, seed: u8) -> Result<bool>
where
    B: SgBuffer,
    D: Direction,
    E: Engine,
{
    device_side::finds_segments(mapping.device(), &mut mapping.segments(), seed)
}

/// Checks that the segments are all of the mapping, each within the limits, and one range if they
/// are to be.
fn check_segments<B, D, E>(mapping: &IovaMapping<'_, B, D, Device<E>>) -> Result
where
    B: SgBuffer,
    D: Direction,
    E: Engine,
{
    let dma = mapping.device();
    let (max, boundary, mask) = (dma.max_segment_size(), dma.segment_boundary(), dma.mask());
    let mut sum = 0;
    let mut next = mapping.contiguous();
    check_eq!(next.is_some(), mapping.use_iova());

    for Segment { address, len } in mapping.segments() {
        let last = address + u64::from(len) - 1;
        check!(len > 0 && len <= max, "{len} bytes in a segment of {max}");
        check!(
            address & !boundary == last & !boundary,
            "{address:#x}+{len:#x} crosses {boundary:#x}"
        );
        check!(last <= mask, "{last:#x} is beyond {mask:#x}");
        if let Some(next) = &mut next {
            check_eq!(address, *next);
            *next = last + 1;
        }
        sum += len as usize;
    }
    check_eq!(sum, mapping.size());
    Ok(())
}
