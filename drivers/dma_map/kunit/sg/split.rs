// SPDX-License-Identifier: GPL-2.0

//! `segments().split()`: descriptors that hold less than the device's limits allow.

use super::*;
use crate::{
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    sg::SplitSegments,
    DmaDevice,
    ToDevice, //
};

/// Checks that `parts` are `whole`, in pieces of at most `max` that do not cross `boundary`.
fn check_split(
    whole: impl Iterator<Item = Segment>,
    parts: SplitSegments<'_>,
    max: u32,
    boundary: u64,
) -> Result {
    let count = parts.clone().count();
    check!(parts.fits(count), "{count} do not fit in {count}");
    check!(count == 0 || !parts.fits(count - 1), "{count} fit in less");
    check!(parts.fits(usize::MAX));

    let mut parts = parts;
    for Segment { address, len } in whole {
        let mut at = address;
        let end = address + u64::from(len);
        while at < end {
            let part = parts.next().ok_or(EINVAL)?;
            let last = part.address + u64::from(part.len) - 1;
            check_eq!(part.address, at);
            check!(part.len > 0 && part.len <= max && last < end, "{part:?}");
            check!(part.address & !boundary == last & !boundary, "{part:?}");
            // As long as it may be.
            check!(
                part.len == max || last + 1 == end || (last + 1) & boundary == 0,
                "{part:?} is too short"
            );
            at = last + 1;
        }
    }
    check_eq!(parts.next(), None);
    Ok(())
}

fn splits<B: Sample>(dma: DmaDevice<'_>) -> Result {
    let mapping = map_sg(dma, B::sample(20_001, 1)?, ToDevice, Idle)?;
    let all = || mapping.segments();
    let limit = dma.max_segment_size();

    for max in [1, 2, 511, 512, 4095, 4096, 4097, 70_000, u32::MAX] {
        check_split(all(), all().split(max)?, max.min(limit), u64::MAX)?;
        // The device's own limit cannot be widened, nor can one that was set before.
        let twice = all().split(max)?.split(u32::MAX)?;
        check_split(all(), twice, max.min(limit), u64::MAX)?;
    }
    for mask in [
        0,
        1,
        0x1ff,
        0xfff,
        0x1fff,
        0xffff,
        u32::MAX.into(),
        u64::MAX,
    ] {
        check_split(all(), all().split_boundary(mask)?, limit, mask)?;
        let both = all().split_boundary(mask)?.split(700)?;
        check_split(all(), both, 700.min(limit), mask)?;
    }

    // In the midst of it, for what is left.
    let mut rest = all();
    let first = rest.next().ok_or(EINVAL)?;
    let parts = rest.clone().split(100)?;
    check_split(rest, parts, 100, u64::MAX)?;
    check!(first.len > 100 || limit <= 100);

    check_err!(all().split(0).map(|_| ()), EINVAL);
    for mask in [2, 0x1000, 0xffe, u64::MAX - 1, 1 << 63] {
        check_err!(all().split_boundary(mask).map(|_| ()), EINVAL);
    }
    Ok(())
}

#[kunit_tests(dma_map_sg_split)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_split_again() -> Result {
        each_dma(ALL, |dma| each_buffer!(splits(dma)))
    }

    #[test]
    fn segments_of_narrow_limits_are_split_again() -> Result {
        each_dma(ALL.max_segment_size(3000).segment_boundary(0xfff), |dma| {
            each_buffer!(splits(dma))
        })
    }
}
