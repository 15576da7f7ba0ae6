// SPDX-License-Identifier: GPL-2.0

//! `dma_pages()`: which mappings are lists of pages, and of which pages.

use super::*;
use crate::{
    device_side,
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    sg::{
        BufferRange,
        SgList, //
    },
    DmaDevice,
    ToDevice, //
};
use kernel::dma::DmaAddress;

type Mapping<'b, B> = SgMapping<'b, B, ToDevice, Device<Idle>>;

/// The pages of a mapping by another way: byte for byte; `None` if there is a gap.
fn reference<B: SgBuffer>(mapping: &Mapping<'_, B>, size: usize) -> Result<Option<KVec<u64>>> {
    let mask = size as u64 - 1;
    let mut pages = KVec::new();
    let mut end = None;

    for Segment { address, len } in mapping.segments() {
        if end.is_some_and(|end| end != address && (end | address) & mask != 0) {
            return Ok(None);
        }
        for at in address..address + u64::from(len) {
            // Pages that the device sees apart may be parts of one.
            let apart = at == address && end != Some(address);
            if apart || at & mask == 0 {
                pages.push(at & !mask, GFP_KERNEL)?;
            }
        }
        end = Some(address + u64::from(len));
    }
    Ok(Some(pages))
}

fn is_as_reference<B: SgBuffer>(mapping: &Mapping<'_, B>) -> Result {
    for size in [512, 1024, 4096, 8192, 65536] {
        let Some(wanted) = reference(mapping, size)? else {
            check_err!(mapping.dma_pages(size).map(|_| ()), EINVAL);
            continue;
        };
        let pages = mapping.dma_pages(size)?;
        check_eq!(pages.len(), wanted.len());
        check!(pages.clone().eq(wanted), "other pages of {size}");

        let first = mapping.segments().next().ok_or(EINVAL)?;
        check_eq!(pages.offset(), first.address as usize % size);
        let whole = pages.offset() == 0 && mapping.size() % size == 0;
        check_eq!(pages.is_whole(), whole);
        check!(pages.len() * size >= mapping.size());
    }
    Ok(())
}

fn sizes<B: Sample>(dma: DmaDevice<'_>) -> Result {
    for len in [1, 511, 512, 4095, 4096, 4097, 8192, 20_001, 65536, 70_000] {
        let buffer = B::sample(len, 1)?;
        is_as_reference(&map_sg(dma, buffer, ToDevice, Idle)?)?;
    }
    Ok(())
}

#[kunit_tests(dma_map_sg_dma_pages)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_those_of_the_segments() -> Result {
        each_dma(ALL, |dma| each_buffer!(sizes(dma)))
    }

    #[test]
    fn pages_are_whole_where_segments_are_not() -> Result {
        // Where nothing bounces, entries of 512 bytes are without gaps in their page.
        each(|dev| {
            for max in [100, 512, 3000, 65535] {
                dev.bind(|probe| {
                    let dma = probe.dma(ALL.max_segment_size(max))?;
                    each_buffer!(sizes(dma))
                })?;
            }
            Ok(())
        })
    }

    #[test]
    fn device_finds_the_data_by_pages() -> Result {
        each_dma(ALL, |dma| {
            let pages = PageList::sample(30 * PAGE_SIZE, 5)?;
            let mapping = map_sg(dma, pages, ToDevice, Idle)?;
            let pages = mapping.dma_pages(PAGE_SIZE)?;
            check_eq!((pages.len(), pages.offset()), (30, 0));
            check!(pages.is_whole());

            for (i, page) in pages.enumerate() {
                let mut data = [0; 16];
                device_side::read(dma, page, &mut data)?;
                check!(pattern::holds(&data, 5, i * PAGE_SIZE), "page {i}");
            }
            Ok(())
        })
    }

    #[test]
    fn gap_within_a_page_is_einval() -> Result {
        // With this mask, bounce buffers keep offsets, and so gaps.
        each_dma(ALL.min_align_mask(0xfff), |dma| {
            let page = || PageList::sample(PAGE_SIZE, 1);
            for (first, second, gap) in [
                (0..PAGE_SIZE, 0..PAGE_SIZE, false),
                (0..PAGE_SIZE, 0..1, false),
                (0..100, 0..PAGE_SIZE, true),
                (0..PAGE_SIZE, 100..PAGE_SIZE, true),
                (0..100, 100..PAGE_SIZE, true),
            ] {
                let mut list = SgList::new();
                list.push(BufferRange::new(page()?, first)?, Gfp::Kernel)?;
                list.push(BufferRange::new(page()?, second)?, Gfp::Kernel)?;
                let mapping = map_sg(dma, list, ToDevice, Idle)?;
                is_as_reference(&mapping)?;
                if gap {
                    check_err!(mapping.dma_pages(PAGE_SIZE).map(|_| ()), EINVAL);
                } else {
                    check_eq!(mapping.dma_pages(PAGE_SIZE)?.len(), 2);
                }
            }
            Ok(())
        })
    }

    #[test]
    fn offset_is_that_of_the_first_page() -> Result {
        // The mask is as above.
        each_dma(ALL.min_align_mask(0xfff), |dma| {
            for start in [0, 1, 100, PAGE_SIZE - 1] {
                let part = BufferRange::new(PageList::sample(PAGE_SIZE, 1)?, start..PAGE_SIZE)?;
                let mut list = SgList::new();
                list.push(part, Gfp::Kernel)?;
                list.push(PageList::sample(PAGE_SIZE, 1)?.into(), Gfp::Kernel)?;
                let mapping = map_sg(dma, list, ToDevice, Idle)?;
                let pages = mapping.dma_pages(PAGE_SIZE)?;
                check_eq!((pages.len(), pages.offset()), (2, start));
                check_eq!(pages.is_whole(), start == 0);
                let first: KVec<DmaAddress> = pages.collect_pages()?;
                check_eq!(
                    first[0] + start as u64,
                    mapping.segments().next().ok_or(EINVAL)?.address
                );
            }
            Ok(())
        })
    }

    #[test]
    fn page_sizes_are_powers_of_two() -> Result {
        each_dma(ALL, |dma| {
            let buffer = PageList::sample(PAGE_SIZE, 1)?;
            let mapping = map_sg(dma, buffer, ToDevice, Idle)?;
            for size in [0, 3, 4095, usize::MAX] {
                check_err!(mapping.dma_pages(size).map(|_| ()), EINVAL);
            }
            check_eq!(mapping.dma_pages(1)?.len(), PAGE_SIZE);
            check_eq!(mapping.dma_pages(1 << 63)?.len(), 1);
            Ok(())
        })
    }
}

/// Collects pages, as a driver does for its list.
trait CollectPages: Iterator<Item = DmaAddress> + Sized {
    fn collect_pages(self) -> Result<KVec<DmaAddress>> {
        let mut all = KVec::new();
        for page in self {
            all.push(page, GFP_KERNEL)?;
        }
        Ok(all)
    }
}
impl<I: Iterator<Item = DmaAddress>> CollectPages for I {}
