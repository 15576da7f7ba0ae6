// SPDX-License-Identifier: GPL-2.0

//! [`UserPages`]: user memory that the device reads and writes in place.

use super::*;
use crate::{
    c,
    device_side,
    engines::Idle,
    fixture::*,
    user_memory::{
        UserMemory,
        Vector, //
    }, //
};
use dma_map::{
    DmaDevice,
    FromDevice,
    SgList,
    ToDevice,
    UserPages, //
};

const PAGES: usize = 20;

/// Ranges of the memory: at borders of pages, across them, and all of it.
const RANGES: [(usize, usize); 8] = [
    (0, 1),
    (0, PAGE_SIZE),
    (1, PAGE_SIZE),
    (PAGE_SIZE - 1, 2),
    (17, 3 * PAGE_SIZE),
    (4 * PAGE_SIZE, 2 * PAGE_SIZE),
    (PAGE_SIZE * PAGES - 1, 1),
    (0, PAGE_SIZE * PAGES),
];

/// Pins memory for the device to read.
pub(super) fn pin_source(
    memory: &UserMemory,
    offset: usize,
    len: usize,
) -> Result<UserPages<ToDevice>> {
    let mut vector = Vector::source(&[(memory.at(offset), len)])?;
    let pages = UserPages::from_source(vector.as_source(), len)?;
    check_eq!(vector.as_source().len(), 0);
    Ok(pages)
}

/// Pins memory for the device to write to.
pub(super) fn pin_dest(
    memory: &UserMemory,
    offset: usize,
    len: usize,
) -> Result<UserPages<FromDevice>> {
    let mut vector = Vector::dest(&[(memory.at(offset), len)])?;
    let pages = UserPages::from_dest(vector.as_dest(), len)?;
    check_eq!(vector.as_dest().len(), 0);
    Ok(pages)
}

fn to_device(dma: DmaDevice<'_>, memory: &UserMemory) -> Result {
    memory.fill(1)?;
    for (offset, len) in RANGES {
        let pages = pin_source(memory, offset, len)?;
        check_eq!((pages.len(), pages.offset()), (len, offset % PAGE_SIZE));
        check_eq!(
            pages.page_count(),
            (offset % PAGE_SIZE + len).div_ceil(PAGE_SIZE)
        );
        let mapping = map_sg(dma, pages, ToDevice, Idle)?;
        check_segments(&mapping)?;

        let mut at = offset;
        for segment in mapping.segments() {
            let mut data = VVec::from_elem(0, segment.len as usize, GFP_KERNEL)?;
            device_side::read(dma, segment.address, &mut data)?;
            check!(
                pattern::holds(&data, 1, at),
                "the device finds other data in {len} bytes from {offset} on"
            );
            at += data.len();
        }
        check_eq!(mapping.unmap()?.len(), len);
        check!(!c::is_pinned(memory.at(offset))?);
    }
    Ok(())
}

fn from_device(dma: DmaDevice<'_>, memory: &UserMemory) -> Result {
    for (offset, len) in RANGES {
        memory.fill(1)?;
        let pages = pin_dest(memory, offset, len)?;
        check!(c::is_pinned(memory.at(offset))?);
        let mapping = map_sg(dma, pages, FromDevice, Idle)?;
        device_side::fill(&mapping, 2)?;

        let mapping = mapping.complete()?;
        let mut data = VVec::from_elem(0, len, GFP_KERNEL)?;
        mapping.read(0, &mut data)?;
        check!(data.holds(2), "the CPU reads other data");
        drop(mapping);

        check!(
            memory.read(offset, len)?.holds(2),
            "user space finds other data"
        );
        let end = offset + len;
        check!(pattern::holds(&memory.read(0, offset)?, 1, 0));
        check!(pattern::holds(
            &memory.read(end, PAGES * PAGE_SIZE - end)?,
            1,
            end
        ));
        check!(!c::is_pinned(memory.at(offset))?);
    }
    Ok(())
}

#[kunit_tests(dma_map_sg_user)]
mod tests {
    use super::*;

    #[test]
    fn device_reads_user_memory() -> Result {
        let memory = UserMemory::new(PAGES)?;
        each_dma(ALL, |dma| to_device(dma, &memory))
    }

    #[test]
    fn device_writes_user_memory() -> Result {
        let memory = UserMemory::new(PAGES)?;
        each_dma(ALL, |dma| from_device(dma, &memory))
    }

    #[test]
    fn segments_are_within_narrow_limits() -> Result {
        let memory = UserMemory::new(PAGES)?;
        each_dma(ALL.max_segment_size(333).segment_boundary(0xfff), |dma| {
            to_device(dma, &memory)?;
            from_device(dma, &memory)
        })
    }

    #[test]
    fn vectors_are_gathered() -> Result {
        let memory = UserMemory::new(PAGES)?;
        memory.fill(1)?;
        each_dma(ALL, |dma| {
            let ranges = [
                (memory.at(100), 50),
                (memory.at(2 * PAGE_SIZE), 2 * PAGE_SIZE),
                (memory.at(0), 0),
                (memory.at(PAGE_SIZE - 1), 1),
            ];
            let len = 50 + 2 * PAGE_SIZE + 1;

            let mut vector = Vector::dest(&ranges)?;
            let list = SgList::from_dest(vector.as_dest(), len, Gfp::Kernel)?;
            check_eq!((list.parts().len(), list.len()), (3, len));
            check_eq!(vector.as_dest().len(), 0);
            let mapping = map_sg(dma, list, FromDevice, Idle)?;
            device_side::fill(&mapping, 3)?;
            drop(mapping.unmap()?);
            check!(memory.read(100, 50)?.holds(3));
            check_eq!(memory.read(PAGE_SIZE - 1, 1)?[0], pattern::at(3, len - 1));

            // A part of it, and then the rest.
            let mut vector = Vector::source(&ranges)?;
            let list = SgList::from_source(vector.as_source(), 60, Gfp::Kernel)?;
            check_eq!(vector.as_source().len(), len - 60);
            let rest = SgList::from_source(vector.as_source(), len - 60, Gfp::Kernel)?;
            let both = map_sg(dma, (list, rest), ToDevice, Idle)?;
            check_eq!(both.size(), len);
            check!(device_side::finds(&both, 3)?);
            Ok(())
        })
    }

    #[test]
    fn kernel_and_user_memory_share_a_table() -> Result {
        let memory = UserMemory::new(PAGES)?;
        each_dma(ALL, |dma| {
            let header = KVec::from_elem(0u32, 16, GFP_KERNEL)?;
            let both = (header, pin_dest(&memory, 5, 10_000)?);
            let mapping = map_sg(dma, both, FromDevice, Idle)?;
            device_side::fill(&mapping, 1)?;
            let (header, pages) = mapping.unmap()?;
            check_eq!(header[0].to_ne_bytes()[3], pattern::at(1, 3));
            drop(pages);
            check_eq!(memory.read(5, 1)?[0], pattern::at(1, 64));
            Ok(())
        })
    }

    #[test]
    fn user_space_may_change_it_at_any_time() -> Result {
        let memory = UserMemory::new(1)?;
        each_dma(ALL, |dma| {
            let pages = pin_dest(&memory, 0, 100)?;
            let mapping = map_sg(dma, pages, FromDevice, Idle)?;
            device_side::fill(&mapping, 1)?;
            let mapping = mapping.complete()?;
            let mut copy = [0; 4];
            mapping.read(0, &mut copy)?;
            memory.write(0, &[0xff; 4])?;
            // The copy is the kernel's own; the memory is not.
            check_eq!(copy[0], pattern::at(1, 0));
            mapping.read(0, &mut copy)?;
            check_eq!(copy, [0xff; 4]);
            Ok(())
        })
    }

    /// misuse: overlapping-cachelines
    #[test]
    fn memory_given_many_times_is_no_misuse() -> Result {
        let memory = UserMemory::new(1)?;
        memory.fill(1)?;
        each_dma(ALL, |dma| {
            let mut vector = Vector::dest(&[(memory.at(0), 4096); 20])?;
            let list = SgList::from_dest(vector.as_dest(), 20 * 4096, Gfp::Kernel)?;
            let mut mapping = map_sg(dma, list, FromDevice, Idle)?;
            check_eq!(mapping.size(), 20 * 4096);
            // DMA debugging finds two mappings of what is synced.
            mapping.sync_read(100, &mut [0; 64])?;
            drop(mapping);
            check!(!c::is_pinned(memory.at(0))?);
            Ok(())
        })
    }

    #[test]
    fn memory_outlives_its_mapping_in_user_space() -> Result {
        each_dma(ALL, |dma| {
            let memory = UserMemory::new(3)?;
            memory.fill(1)?;
            let pages = pin_dest(&memory, 0, 2 * PAGE_SIZE)?;
            let mapping = map_sg(dma, pages, FromDevice, Idle)?;
            memory.unmap_from(0)?;

            device_side::fill(&mapping, 2)?;
            for _ in 0..10 {
                check!(PageList::sample(2 * PAGE_SIZE, 3)?.holds(3));
            }
            let mapping = mapping.complete()?;
            let mut data = VVec::from_elem(0, 2 * PAGE_SIZE, GFP_KERNEL)?;
            mapping.read(0, &mut data)?;
            check!(data.holds(2), "the pages are in use again");
            Ok(())
        })
    }
}
