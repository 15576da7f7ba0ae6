// SPDX-License-Identifier: GPL-2.0

//! [`prp`]: the pages of data, at every offset and around every boundary.

use super::{
    Merged,
    PAGE,
    PAGE_SHIFT, //
};
use crate::{
    check::*,
    device_side,
    engines::Idle,
    fixture::*,
    nvme::driver::protocol::{
        command::Pointer,
        prp::{
            self,
            Entries,
            Segment, //
        }, //
    }, //
};
use dma_map::{
    endian::Le,
    DmaDevice,
    DmaPool,
    Gfp, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// Where the data begins, for a controller: it is not accessed.
const BASE: DmaAddress = 0x12_3456_7000;

/// Lists with few entries, so that a chain of them needs little data.
const ROOM: usize = 5;

type Pool<'b> = DmaPool<'b, [Le<u64>; ROOM]>;

/// Returns the entries of `segments`.
fn entries(segments: &[Segment], page_shift: u32) -> Result<KVec<u64>> {
    let mut found = KVec::new();
    for entry in Entries::new(segments.iter().copied(), page_shift) {
        found.push(entry?, GFP_KERNEL)?;
    }
    Ok(found)
}

/// Checks the entries of one segment.
fn check_one(offset: usize, len: usize, page_shift: u32) -> Result {
    let page = 1 << page_shift;
    let start = BASE + offset as DmaAddress;
    let found = entries(&[(start, len)], page_shift)?;

    check_eq!(found.len(), (start as usize % page + len).div_ceil(page));
    check_eq!(found[0], start);
    for (i, &entry) in found.iter().enumerate().skip(1) {
        let first = start & !(page as u64 - 1);
        check_eq!(entry, first + (i * page) as u64);
    }
    Ok(())
}

/// Reads the data pointer as a controller does, and returns what it would access.
fn walk(dma: DmaDevice<'_>, pointer: Pointer, len: usize) -> Result<Merged> {
    let Pointer::Prp([first, second]) = pointer else {
        return Err(EINVAL);
    };
    let mut found = Merged::new();
    let here = len.min(PAGE - first as usize % PAGE);
    found.push(first, here)?;
    let mut left = len - here;
    if left == 0 {
        check_eq!(second, 0);
        return Ok(found);
    }
    if left <= PAGE {
        found.push(second, left)?;
        return Ok(found);
    }

    let (mut list, mut slot) = (second, 0);
    while left != 0 {
        let mut entry = [0; 8];
        device_side::read(dma, list + slot * 8, &mut entry)?;
        let entry = u64::from_le_bytes(entry);
        if slot as usize == ROOM - 1 && left > PAGE {
            (list, slot) = (entry, 0);
            continue;
        }
        check_eq!(entry % PAGE as u64, 0);
        let here = left.min(PAGE);
        found.push(entry, here)?;
        left -= here;
        slot += 1;
    }
    Ok(found)
}

/// Checks that a controller finds the data.
fn check_walk(dma: DmaDevice<'_>, pool: &Pool<'_>, segments: &[Segment]) -> Result {
    let len = segments.iter().map(|segment| segment.1).sum();
    let (pointer, lists) = prp::describe(
        segments.iter().copied(),
        PAGE_SHIFT,
        pool,
        Idle,
        Gfp::Kernel,
    )?;
    check_eq!(walk(dma, pointer, len)?.0[..], Merged::of(segments)?.0[..]);
    check_eq!(pool.outstanding(), lists.iter().flatten().count());
    drop(lists);
    check_eq!(pool.outstanding(), 0);
    Ok(())
}

#[kunit_tests(dma_map_nvme_prp)]
mod tests {
    use super::*;

    #[test]
    fn every_offset_in_a_page() -> Result {
        for offset in (0..PAGE).step_by(4) {
            for len in [
                1,
                PAGE - offset - 1,
                PAGE - offset,
                PAGE - offset + 1,
                2 * PAGE - offset - 1,
                2 * PAGE - offset,
                2 * PAGE - offset + 1,
                5 * PAGE,
            ] {
                if len != 0 {
                    check_one(offset, len, PAGE_SHIFT)?;
                }
            }
        }
        Ok(())
    }

    /// The machine's pages are larger than the controller's on some machines, and never smaller.
    #[test]
    fn pages_of_other_sizes() -> Result {
        for page_shift in [12, 13, 14, 16] {
            let page = 1 << page_shift;
            for offset in [0, 4, PAGE - 4, PAGE, PAGE + 4, page - 4] {
                for len in [1, page - 1, page, page + 1, 3 * page, 64 * 1024] {
                    check_one(offset, len, page_shift)?;
                }
            }
        }
        Ok(())
    }

    #[test]
    fn an_odd_start_is_einval() -> Result {
        for offset in [1, 2, 3, 5, PAGE as DmaAddress - 1] {
            check_err!(entries(&[(BASE + offset, 512)], PAGE_SHIFT), EINVAL);
        }
        Ok(())
    }

    #[test]
    fn a_gap_is_einval() -> Result {
        let far = BASE + 64 * PAGE as DmaAddress;
        for segments in [
            // The first one ends within a page.
            [(BASE, PAGE - 4), (far, PAGE)],
            // The second one begins within a page.
            [(BASE, PAGE), (far + 4, PAGE)],
            [(BASE, 512), (far + 512, 512)],
            // They meet in a page, with a gap, and the wrong way round.
            [(BASE, 512), (BASE + 1024, 512)],
            [(BASE + 512, 512), (BASE, 512)],
        ] {
            check_err!(entries(&segments, PAGE_SHIFT), EINVAL);
        }
        Ok(())
    }

    #[test]
    fn segments_that_meet_within_a_page_share_its_entry() -> Result {
        for first in [4, 512, PAGE - 4, PAGE, PAGE + 4, 2 * PAGE - 4] {
            for second in [4, PAGE - 4, PAGE, 3 * PAGE + 8] {
                let segments = [
                    (BASE, first),
                    (BASE + first as DmaAddress, second),
                    (BASE + (first + second) as DmaAddress, 4),
                ];
                check_eq!(
                    entries(&segments, PAGE_SHIFT)?[..],
                    entries(&[(BASE, first + second + 4)], PAGE_SHIFT)?[..]
                );
            }
        }
        Ok(())
    }

    #[test]
    fn empty_segments_change_nothing() -> Result {
        let segments = [(0, 0), (BASE, PAGE), (7, 0), (BASE, 0), (BASE, 512), (1, 0)];
        check_eq!(entries(&segments, PAGE_SHIFT)?[..], [BASE, BASE]);
        check_eq!(entries(&[], PAGE_SHIFT)?[..], []);
        Ok(())
    }

    #[test]
    fn a_controller_finds_the_data_through_every_chain() -> Result {
        each_dma(ALL, |dma| {
            let pool = Pool::try_with(dma, c"nvme prp", 64, 0)?;
            for pages in 1..=18 {
                for offset in [0, 4, 512, PAGE - 4] {
                    for less in [0, 4, PAGE - offset - 4] {
                        let len = pages * PAGE - offset - less;
                        if len == 0 || less >= PAGE - offset {
                            continue;
                        }
                        check_walk(dma, &pool, &[(BASE + offset as DmaAddress, len)])?;
                    }
                }
            }
            Ok(())
        })
    }

    #[test]
    fn scattered_pages_are_listed_one_by_one() -> Result {
        each_dma(ALL, |dma| {
            let pool = Pool::try_with(dma, c"nvme prp", 64, 0)?;
            for pages in 1..=17 {
                let mut segments = KVec::new();
                for i in 0..pages {
                    // Downwards, so that nothing is contiguous.
                    let address = BASE - (i * 2 * PAGE) as DmaAddress;
                    segments.push((address, PAGE), GFP_KERNEL)?;
                }
                segments[0] = (BASE + 1024, PAGE - 1024);
                if pages > 1 {
                    segments[pages - 1].1 = 512;
                }
                check_walk(dma, &pool, &segments)?;
            }
            Ok(())
        })
    }

    #[test]
    fn too_much_data_is_einval_and_takes_no_block() -> Result {
        each_dma(ALL, |dma| {
            let pool = Pool::try_with(dma, c"nvme prp", 64, 0)?;
            // Four lists hold 17 entries, and one is in the command.
            for (pages, fits) in [(18, true), (19, false), (1000, false)] {
                let segments = [(BASE, pages * PAGE)].into_iter();
                let found = prp::describe(segments, PAGE_SHIFT, &pool, Idle, Gfp::Kernel);
                check_eq!((pages, found.is_ok()), (pages, fits));
                check_err_unless(fits, found.map(|_| ()))?;
                check_eq!(pool.outstanding(), 0);
            }
            Ok(())
        })
    }

    #[test]
    fn no_data_is_einval() -> Result {
        each_dma(ALL, |dma| {
            let pool = Pool::try_with(dma, c"nvme prp", 64, 0)?;
            let none = core::iter::empty::<Segment>();
            check_err!(
                prp::describe(none, PAGE_SHIFT, &pool, Idle, Gfp::Kernel).map(|_| ()),
                EINVAL
            );
            Ok(())
        })
    }

    fn check_err_unless(fits: bool, found: Result) -> Result {
        if !fits {
            check_err!(found, EINVAL);
        }
        Ok(())
    }
}
