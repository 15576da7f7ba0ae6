// SPDX-License-Identifier: GPL-2.0

//! `IovaMapping::map`: it uses an IOMMU's addresses where there is one, and the data arrives.

use super::*;
use crate::{
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    Bidirectional,
    DmaDevice,
    FromDevice,
    ToDevice, //
};

/// Sizes on both sides of each limit that the cases set.
const BESIDE_LIMITS: [usize; 5] = [
    1,
    PAGE_SIZE - 1,
    PAGE_SIZE + 1,
    3 * PAGE_SIZE + 17,
    65537, //
];

/// Maps buffers of `sizes` both ways, and checks that the IOMMU is used as it is to be.
fn both_ways<B: Sample>(dma: DmaDevice<'_>, iova: bool, sizes: &[usize]) -> Result {
    for &len in sizes {
        let buffer = B::sample(len, 1)?;
        let size = buffer.len();
        let mapping = match IovaMapping::map(dma, buffer, Bidirectional, Idle, Gfp::Kernel) {
            // A machine whose bounce pool is out of the device's reach, too.
            Err(failed) if failed.error == EIO && !iova && dma.addressing_limited() => continue,
            result => result?,
        };
        check_eq!(mapping.use_iova(), iova);
        check_eq!(mapping.size(), size);
        check!(core::ptr::eq(mapping.device().device(), dma.device()));
        check_segments(&mapping)?;
        check!(finds(&mapping, 1)?, "the device finds other data");
        fill(&mapping, 2)?;
        check!(mapping.unmap()?.holds(2), "the device's data is not there");
    }
    Ok(())
}

fn one_way<B: Sample>(dma: DmaDevice<'_>, iova: bool) -> Result {
    for len in SIZES {
        let mapping = map_iova(dma, B::sample(len, 1)?, ToDevice, Idle)?;
        check_eq!(mapping.use_iova(), iova);
        check!(finds(&mapping, 1)?, "the device finds other data");
        check!(mapping.unmap()?.holds(1));

        let mapping = map_iova(dma, B::sample(len, 3)?, FromDevice, Idle)?;
        check_eq!(mapping.use_iova(), iova);
        fill(&mapping, 4)?;
        check!(mapping.unmap()?.holds(4), "the device's data is not there");
    }
    Ok(())
}

fn each_under(limits: DmaLimits) -> Result {
    each_probe(|probe| {
        let dma = probe.dma(limits)?;
        let iova = translated(probe);
        each_buffer!(both_ways(dma, iova, &BESIDE_LIMITS))
    })
}

#[kunit_tests(dma_map_iova_map)]
mod tests {
    use super::*;

    #[test]
    fn an_iommu_is_used_where_there_is_one() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            // Platform devices of the cases have none.
            let iova = translated(probe);
            check!(!iova || probe.pci().is_some());
            each_buffer!(both_ways(dma, iova, &SIZES))
        })
    }

    #[test]
    fn data_goes_one_way() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let iova = translated(probe);
            each_buffer!(one_way(dma, iova))
        })
    }

    #[test]
    fn the_whole_buffer_is_at_one_address() -> Result {
        each_probe(|probe| {
            // Whatever segments the device takes.
            let dma = probe.dma(ALL.max_segment_size(512))?;
            let pages = PageList::sample(40 * PAGE_SIZE, 5)?;
            let mapping = map_iova(dma, pages, ToDevice, Idle)?;
            check_eq!(mapping.contiguous().is_some(), translated(probe));
            if let Some(address) = mapping.contiguous() {
                check_eq!(address as usize % PAGE_SIZE, 0);
                let mut data = KVVec::from_elem(0, 40 * PAGE_SIZE, GFP_KERNEL)?;
                crate::device_side::read(dma, address, &mut data)?;
                check!(data.holds(5), "the device finds other data");
            }
            Ok(())
        })
    }

    #[test]
    fn segments_honour_their_size() -> Result {
        for max in [64, 511, 512, 4095, 4096, 4097, 65536, u32::MAX] {
            each_under(ALL.max_segment_size(max))?;
        }
        Ok(())
    }

    /// misuse: segment-across-boundary
    #[test]
    fn segments_honour_the_boundary() -> Result {
        for boundary in [0xfff, 0x1fff, 0xffff, 0xffff_ffff, u64::MAX] {
            each_under(ALL.segment_boundary(boundary).max_segment_size(u32::MAX))?;
        }
        each_under(ALL.segment_boundary(0xfff).max_segment_size(3000))
    }

    #[test]
    fn addresses_are_within_the_mask() -> Result {
        for bits in [28, 32, 33, 40] {
            each_under(DmaLimits::new(DmaMask::try_new(bits)?))?;
        }
        Ok(())
    }

    #[test]
    fn offsets_in_a_page_are_kept() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            for len in [33, 97, 200, 1000, 3000] {
                let buffer = KVec::<u8>::sample(len, 6)?;
                let offset = buffer.as_ptr().addr() % PAGE_SIZE;
                let mapping = map_iova(dma, buffer, ToDevice, Idle)?;
                check_eq!(mapping.use_iova(), translated(probe));
                if let Some(address) = mapping.contiguous() {
                    check_eq!(address as usize % PAGE_SIZE, offset);
                }
                check!(finds(&mapping, 6)?);
            }
            Ok(())
        })
    }

    #[test]
    fn many_mappings_at_once_do_not_meet() -> Result {
        each_dma(ALL, |dma| {
            let mut all = KVec::new();
            for seed in 0..60 {
                let buffer = VVec::sample(1 + usize::from(seed) * 700, seed)?;
                let mapping = map_iova(dma, buffer, Bidirectional, Idle)?;
                all.push((mapping, seed), GFP_KERNEL)?;
            }
            for (mapping, seed) in &all {
                check!(finds(mapping, *seed)?);
                fill(mapping, *seed ^ 0x80)?;
            }
            while let Some((mapping, seed)) = all.pop() {
                check!(mapping.unmap()?.holds(seed ^ 0x80));
            }
            Ok(())
        })
    }
}
