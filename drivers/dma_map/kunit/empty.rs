// SPDX-License-Identifier: GPL-2.0

//! Empty parts of buffers.
//!
//! They are of each kind of buffer, in each form that can be empty, in each place, and in each buffer
//! that is made of others. They add nothing to a mapping, and leave nothing behind.

mod part;

use self::part::{
    Part,
    EMPTY, //
};
use crate::{
    c,
    check::*,
    device_side,
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    direction::Carries,
    sg::{
        BufferRange,
        Prebuilt,
        Segment,
        SgBuffer,
        SgSource, //
    },
    Bidirectional,
    DmaDevice,
    Gfp,
    IovaMapping,
    MapError,
    SgList,
    SgMapping, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

/// The three parts of a buffer.
type Three = (Part, (Part, Part));

/// The pattern that the device writes.
const SEED: u8 = 3;

/// Checks that the segments are all of a mapping of `len` bytes, and returns the first.
fn check_sum(segments: impl Iterator<Item = Segment>, size: usize, len: usize) -> Result<Segment> {
    let mut first = None;
    let mut sum = 0;
    for segment in segments {
        check!(segment.len != 0, "an empty segment");
        first = first.or(Some(segment));
        sum += segment.len as usize;
    }
    check_eq!((sum, size), (len, len));
    first.ok_or(EINVAL)
}

/// The device fills a buffer that it reaches at `segments`.
fn fill(dma: DmaDevice<'_>, mut segments: impl Iterator<Item = Segment>) -> Result {
    device_side::fill_segments(dma, &mut segments, SEED)
}

/// Checks that an IOMMU that forgets at once reaches nothing of what was at `first`.
fn check_gone(dma: DmaDevice<'_>, first: Segment) -> Result {
    if c::strict_iommu(dma.device()) {
        check_err!(device_side::write(dma, first.address, &[1]), EFAULT);
    }
    Ok(())
}

/// Maps a buffer of `len` bytes in both ways: the device writes to it by the one, and reads it by the other.
fn round_trip<B: SgSource>(dma: DmaDevice<'_>, buffer: B, len: usize) -> Result<B>
where
    Bidirectional: Carries<B::Element>,
{
    let mapping = map_iova(dma, buffer, Bidirectional, Idle)?;
    let first = check_sum(mapping.segments(), mapping.size(), len)?;
    fill(dma, mapping.segments())?;
    let buffer = mapping.unmap()?;
    check_gone(dma, first)?;

    // What the device has written by the one way, it finds by the other.
    let mapping = map_sg(dma, buffer, Bidirectional, Idle)?;
    let first = check_sum(mapping.segments(), mapping.size(), len)?;
    check!(device_side::finds(&mapping, SEED)?, "other data");
    let buffer = mapping.complete()?.give(Idle).unmap()?;
    check_gone(dma, first)?;
    Ok(buffer)
}

/// Checks that a buffer without bytes is refused, and comes back.
fn refused<B: SgBuffer>(dma: DmaDevice<'_>, buffer: B) -> Result
where
    Bidirectional: Carries<B::Element>,
{
    let buffer = match SgMapping::map(dma, buffer, Bidirectional, Idle, Gfp::Kernel) {
        Ok(_) => return Err(EINVAL),
        Err(MapError { error, buffer }) => {
            check_eq!(error, EINVAL);
            buffer
        }
    };
    let buffer = match IovaMapping::map(dma, buffer, Bidirectional, Idle, Gfp::Kernel) {
        Ok(_) => return Err(EINVAL),
        Err(MapError { error, buffer }) => {
            check_eq!(error, EINVAL);
            buffer
        }
    };
    check_err!(Prebuilt::new(dma, buffer, Gfp::Kernel).map(|_| ()), EINVAL);
    Ok(())
}

/// What is beside an empty part: what an IOMMU joins, and what it does not.
const BESIDE: [(usize, usize); 3] = [(PAGE_SIZE, PAGE_SIZE), (PAGE_SIZE, 100), (100, PAGE_SIZE)];

/// Calls `f` with each empty part in each place between others, and with the length of all. The sizes of
/// the others take turns, because with KASAN this is most of a boot.
fn each_place(mut f: impl FnMut([Part; 3], usize) -> Result) -> Result {
    for ((name, empty), (one, other)) in EMPTY.iter().zip(BESIDE.iter().copied().cycle()) {
        let mut on = |parts, len| {
            f(parts, len).inspect_err(|_| {
                pr_err!("    # with {name}\n");
            })
        };

        let len = one + other;
        let (a, b) = (|| Part::full(one), || Part::full(other));
        on([empty()?, a()?, b()?], len)?;
        on([a()?, empty()?, b()?], len)?;
        on([a()?, b()?, empty()?], len)?;
        // Between nothing and nothing.
        on([empty()?, Part::full(100)?, empty()?], 100)?;
        on([empty()?, empty()?, Part::vector(100)?], 100)?;
        on([Part::vector(5000)?, empty()?, empty()?], 5000)?;
    }
    Ok(())
}

fn three([a, b, c]: [Part; 3]) -> Three {
    (a, (b, c))
}

#[kunit_tests(dma_map_empty)]
mod tests {
    use super::*;

    #[test]
    fn alone_they_are_einval_and_come_back() -> Result {
        each_dma(ALL, |dma| {
            for (_, empty) in EMPTY {
                refused(dma, empty()?)?;
                refused(dma, three([empty()?, empty()?, empty()?]))?;
                refused(dma, BufferRange::from(empty()?))?;
                refused(dma, SgList::<Part>::new())?;
                let mut list = SgList::new();
                list.push(empty()?, Gfp::Kernel)?;
                list.push(empty()?, Gfp::Kernel)?;
                refused(dma, list)?;
            }
            Ok(())
        })
    }

    #[test]
    fn in_pairs() -> Result {
        each_dma(ALL, |dma| {
            each_place(|parts, len| {
                round_trip(dma, three(parts), len)?;
                Ok(())
            })
        })
    }

    #[test]
    fn in_lists() -> Result {
        each_dma(ALL, |dma| {
            each_place(|parts, len| {
                let mut list = SgList::new();
                for part in parts {
                    list.push(part, Gfp::Kernel)?;
                }
                check_eq!(round_trip(dma, list, len)?.into_parts().len(), 3);
                Ok(())
            })
        })
    }

    #[test]
    fn in_ranges() -> Result {
        each_dma(ALL, |dma| {
            each_place(|parts, len| {
                let range = BufferRange::from(three(parts));
                let buffer = round_trip(dma, range, len)?.into_buffer();
                let range = BufferRange::new(buffer, 1..len - 1)?;
                let buffer = round_trip(dma, range, len - 2)?.into_buffer();
                // It begins where a part ends, or with the first one.
                let start = match buffer.0.len() {
                    all if all == len => 0,
                    first => first,
                };
                let range = BufferRange::new(buffer, start..len)?;
                round_trip(dma, range, len - start)?;
                Ok(())
            })
        })
    }

    #[test]
    fn prebuilt() -> Result {
        each_dma(ALL, |dma| {
            each_place(|parts, len| {
                let buffer = Prebuilt::new(dma, three(parts), Gfp::Kernel)?;
                let buffer = round_trip(dma, buffer, len)?;
                round_trip(dma, buffer, len)?;
                Ok(())
            })
        })
    }
}
