// SPDX-License-Identifier: GPL-2.0

//! `SgMapping::map`: what is mapped, for each kind of buffer and each direction.

use super::*;
use crate::{
    context,
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    direction::Carries,
    Bidirectional,
    DmaDevice,
    FromDevice,
    ToDevice, //
};

/// Maps a buffer of each size, and gets it back as it was: the device does nothing.
fn sizes<B: Sample, D: Carries<u8>>(dma: DmaDevice<'_>, direction: D) -> Result {
    for len in Iterator::chain(SIZES.into_iter(), [65535, 65536, 130_000]) {
        let buffer = B::sample(len, 0x5a)?;
        let (len, identity) = (buffer.len(), buffer.identity());

        let mapping = map_sg(dma, buffer, direction, Idle)?;
        check_eq!(mapping.size(), len);
        check_segments(&mapping)?;

        let buffer = mapping.unmap()?;
        check_eq!(buffer.identity(), identity);
        check_eq!(buffer.len(), len);
        check!(buffer.holds(0x5a), "{len} bytes have changed");
    }
    Ok(())
}

fn each_direction<B: Sample>(dma: DmaDevice<'_>) -> Result {
    sizes::<B, _>(dma, ToDevice)?;
    sizes::<B, _>(dma, FromDevice)?;
    sizes::<B, _>(dma, Bidirectional)
}

#[kunit_tests(dma_map_sg_map)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_kmalloc_memory_are_mapped_whole() -> Result {
        each_dma(ALL, each_direction::<KVec<u8>>)
    }

    #[test]
    fn vectors_of_vmalloc_memory_are_mapped_whole() -> Result {
        each_dma(ALL, each_direction::<VVec<u8>>)
    }

    #[test]
    fn vectors_of_either_memory_are_mapped_whole() -> Result {
        each_dma(ALL, |dma| {
            each_direction::<KVVec<u8>>(dma)?;

            // More than kmalloc() has.
            let buffer = KVVec::from_elem(7u8, 5 << 20, GFP_KERNEL)?;
            let mapping = map_sg(dma, buffer, ToDevice, Idle)?;
            check_segments(&mapping)?;
            check_eq!(mapping.unmap()?.len(), 5 << 20);
            Ok(())
        })
    }

    #[test]
    fn page_lists_are_mapped_whole() -> Result {
        each_dma(ALL, each_direction::<PageList>)
    }

    #[test]
    fn larger_elements_are_mapped_whole() -> Result {
        each_dma(ALL, |dma| {
            for len in [1, 511, 512, 513, 2000] {
                let words = VVec::from_elem(7u64, len, GFP_KERNEL)?;
                let mapping = map_sg(dma, words, Bidirectional, Idle)?;
                check_eq!(mapping.size(), 8 * len);
                check_segments(&mapping)?;
                check_eq!(mapping.unmap()?.len(), len);

                let triples = KVec::from_elem([1u8; 3], len, GFP_KERNEL)?;
                let mapping = map_sg(dma, triples, ToDevice, Idle)?;
                check_eq!(mapping.size(), 3 * len);
                check_segments(&mapping)?;
            }
            Ok(())
        })
    }

    #[test]
    fn large_buffers_are_mapped_whole() -> Result {
        each_dma(ALL, |dma| {
            for len in [(1 << 20) - 1, (1 << 20) + 1] {
                let buffer = VVec::<u8>::sample(len, 3)?;
                let mapping = map_sg(dma, buffer, Bidirectional, Idle)?;
                check_segments(&mapping)?;
                check!(mapping.unmap()?.holds(3));
            }
            Ok(())
        })
    }

    #[test]
    fn tables_beyond_one_chunk_are_mapped_whole() -> Result {
        each(|dev| {
            // One page holds 128 entries; the last of them is the link to the next page.
            for entries in [126, 127, 128, 129, 254, 255, 256, 257, 1000] {
                dev.bind(|probe| {
                    let dma = probe.dma(ALL.max_segment_size(512))?;
                    let buffer = VVec::<u8>::sample(512 * entries, 4)?;
                    let mapping = map_sg(dma, buffer, ToDevice, Idle)?;
                    check_eq!(check_segments(&mapping)?, entries);
                    check!(mapping.unmap()?.holds(4));
                    Ok(())
                })?;
            }
            Ok(())
        })
    }

    /// misuse: capacity-beyond-length
    #[test]
    fn spare_capacity_is_not_mapped() -> Result {
        each_dma(ALL, |dma| {
            let mut buffer = VVec::with_capacity(8 * PAGE_SIZE, GFP_KERNEL)?;
            buffer.push(1u8, GFP_KERNEL)?;
            let capacity = buffer.capacity();
            check!(capacity >= 8 * PAGE_SIZE);

            let mapping = map_sg(dma, buffer, ToDevice, Idle)?;
            check_eq!(mapping.size(), 1);
            check_eq!(check_segments(&mapping)?, 1);
            let buffer = mapping.unmap()?;
            check_eq!(buffer.capacity(), capacity);
            check_eq!(buffer[..], [1]);
            Ok(())
        })
    }

    #[test]
    fn segments_can_be_walked_again() -> Result {
        each_dma(ALL.max_segment_size(1000), |dma| {
            let buffer = VVec::<u8>::sample(20_000, 0)?;
            let mapping = map_sg(dma, buffer, ToDevice, Idle)?;

            let mut walk = mapping.segments();
            let first = walk.next().ok_or(EINVAL)?;
            check!(walk.clone().eq(mapping.segments().skip(1)));
            check_eq!(mapping.segments().next(), Some(first));
            check!(walk.by_ref().count() > 0);
            check_eq!(walk.next(), None);
            check_eq!(walk.next(), None);
            Ok(())
        })
    }

    #[test]
    fn mappings_do_not_overlap() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let a = map_sg(dma, VVec::<u8>::sample(9000, 0)?, ToDevice, Idle)?;
            let b = map_sg(dma, KVec::<u8>::sample(9000, 0)?, ToDevice, Idle)?;
            for x in a.segments() {
                for y in b.segments() {
                    let apart = x.address + u64::from(x.len) <= y.address
                        || y.address + u64::from(y.len) <= x.address;
                    check!(apart, "{x:?} and {y:?} overlap");
                }
            }
            check!(core::ptr::eq(a.device().device(), probe.device()));
            Ok(())
        })
    }

    #[test]
    fn mapping_works_in_atomic_context() -> Result {
        each_dma(ALL, |dma| {
            for gfp in [Gfp::Atomic, Gfp::Nowait] {
                let buffers = || -> Result<_> {
                    Ok((VVec::<u8>::sample(9000, 1)?, PageList::sample(9000, 1)?))
                };
                let round = |(a, b)| -> Result<(VVec<u8>, PageList)> {
                    let a = SgMapping::map(dma, a, Bidirectional, Idle, gfp)?;
                    let b = SgMapping::map(dma, b, FromDevice, Idle, gfp)?;
                    check_segments(&a)?;
                    Ok((a.unmap()?, b.unmap()?))
                };

                let (buffer, pages) = buffers()?;
                let locked = context::spinlocked(|| round((buffer, pages)))?;
                check!(locked.0.holds(1) && locked.1.holds(1));

                let (buffer, pages) = buffers()?;
                let (off, were_off) = context::irqs_off(|| round((buffer, pages)));
                check!(were_off && off?.1.holds(1));

                let (buffer, pages) = buffers()?;
                let in_irq = context::hard_irq(|| round((buffer, pages)))??;
                check!(in_irq.0.holds(1) && in_irq.1.holds(1));
            }
            Ok(())
        })
    }
}
