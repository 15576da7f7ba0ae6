// SPDX-License-Identifier: GPL-2.0

//! `map` and `map_cpu`: what is mapped, for each kind of buffer.

use super::*;
use crate::{
    context,
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    direction::Carries,
    Bidirectional,
    Cpu,
    DmaDevice,
    FromDevice,
    ToDevice, //
};

/// Maps and unmaps buffers of all sizes, in which the device does nothing.
fn sizes<B: Flat, D: Carries<u8>>(dma: DmaDevice<'_>, direction: D) -> Result {
    for len in SIZES {
        let buffer = B::sample(len, 0x5a)?;
        let (len, place) = (buffer.len(), buffer.place());

        let mapping = map_single(dma, buffer, direction, Idle)?;
        check_eq!(mapping.size(), len);
        check!(core::ptr::eq(mapping.device().device(), dma.device()));
        check_segment(&mapping)?;
        let buffer = mapping.unmap()?;
        check_eq!(buffer.place(), place);
        check_eq!(buffer.len(), len);
        check!(buffer.holds(0x5a), "{len} bytes have changed");

        let mapping = DmaMapping::map_cpu(dma, buffer, direction, PLAIN)?;
        check_eq!(mapping.size(), len);
        let buffer = mapping.unmap();
        check_eq!(buffer.place(), place);
        check!(buffer.holds(0x5a), "{len} bytes have changed");

        let mapping = DmaMapping::map_cpu(dma, buffer, direction, PLAIN)?.give(Idle);
        check_segment(&mapping)?;
        check!(mapping.unmap()?.holds(0x5a), "{len} bytes have changed");
    }
    Ok(())
}

fn each_direction<B: Flat>(dma: DmaDevice<'_>) -> Result {
    sizes::<B, _>(dma, ToDevice)?;
    sizes::<B, _>(dma, FromDevice)?;
    sizes::<B, _>(dma, Bidirectional)
}

#[kunit_tests(dma_map_mapping_map)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_kmalloc_memory_are_mapped_whole() -> Result {
        each_dma(ALL, each_direction::<KVec<u8>>)
    }

    #[test]
    fn vectors_of_either_memory_are_mapped_whole() -> Result {
        each_dma(ALL, each_direction::<KVVec<u8>>)
    }

    #[test]
    fn boxes_are_mapped_whole() -> Result {
        each_dma(ALL, each_direction::<KBox<[u8]>>)
    }

    #[test]
    fn pages_are_mapped_whole() -> Result {
        each_dma(ALL, each_direction::<Pages>)
    }

    #[test]
    fn boxes_of_one_value_are_mapped_whole() -> Result {
        each_dma(ALL, |dma| {
            let value = KBox::new(0x1122_3344_5566_7788u64, GFP_KERNEL)?;
            let mapping = map_single(dma, value, Bidirectional, Idle)?;
            check_eq!(mapping.size(), 8);
            let mut mapping = mapping.complete()?;
            check_eq!(*mapping.contents(), 0x1122_3344_5566_7788);
            *mapping.contents_mut() = 7;
            check_eq!(*mapping.give(Idle).unmap()?, 7);

            let array = KBox::new([3u16; 300], GFP_KERNEL)?;
            let mapping = map_single(dma, array, ToDevice, Idle)?;
            check_eq!(mapping.size(), 600);
            check!(mapping.unmap()?.iter().all(|word| *word == 3));
            Ok(())
        })
    }

    #[test]
    fn boxes_are_mapped_by_tables_too() -> Result {
        each_dma(ALL, |dma| {
            let value = KBox::new([5u8; 700], GFP_KERNEL)?;
            let mapping = dma_map::SgMapping::map(dma, value, ToDevice, Idle, Gfp::Kernel)?;
            check_eq!(mapping.segments().map(|s| s.len).sum::<u32>(), 700);
            check_eq!(*mapping.unmap()?, [5; 700]);

            let pages = Pages::sample(2 * PAGE_SIZE, 6)?;
            let mapping = dma_map::SgMapping::map(dma, pages, FromDevice, Idle, Gfp::Kernel)?;
            check_eq!(mapping.size(), 2 * PAGE_SIZE);
            check!(mapping.complete()?.as_slice().len() == 2 * PAGE_SIZE);
            Ok(())
        })
    }

    /// misuse: capacity-beyond-length
    #[test]
    fn spare_capacity_is_not_mapped() -> Result {
        each_dma(ALL, |dma| {
            let mut buffer = KVec::with_capacity(8 * PAGE_SIZE, GFP_KERNEL)?;
            buffer.push(1u8, GFP_KERNEL)?;
            let capacity = buffer.capacity();
            let mapping = map_single(dma, buffer, ToDevice, Idle)?;
            check_eq!(mapping.size(), 1);
            let buffer = mapping.unmap()?;
            check_eq!(buffer.capacity(), capacity);
            check_eq!(buffer[..], [1]);
            Ok(())
        })
    }

    #[test]
    fn mappings_do_not_overlap() -> Result {
        each_dma(ALL, |dma| {
            let mut all = KVec::new();
            // More than one cache line holds of the smallest allocations.
            for _ in 0..64 {
                let value = KBox::new(0u8, GFP_KERNEL)?;
                all.push(map_single(dma, value, FromDevice, Idle)?, GFP_KERNEL)?;
            }
            for (i, a) in all.iter().enumerate() {
                let mut others = all.iter().skip(i + 1);
                check!(others.all(|b| a.dma_address() != b.dma_address()));
            }
            Ok(())
        })
    }

    #[test]
    fn cpu_has_the_buffer_first() -> Result {
        each_dma(ALL, |dma| {
            let buffer = KVec::<u8>::sample(3000, 1)?;
            let mut mapping: DmaMapping<'_, _, _, Cpu> =
                DmaMapping::map_cpu(dma, buffer, Bidirectional, PLAIN)?;
            check!(holds(mapping.contents(), 1));
            write(mapping.contents_mut(), 2);
            check!(mapping.unmap().holds(2), "unmap() undid a write of the CPU");
            Ok(())
        })
    }

    #[test]
    fn mapping_works_in_atomic_context() -> Result {
        each_dma(ALL, |dma| {
            let round = |buffer: KVec<u8>| -> Result<KVec<u8>> {
                let mapping = map_single(dma, buffer, Bidirectional, Idle)?;
                let buffer = mapping.unmap()?;
                Ok(DmaMapping::map_cpu(dma, buffer, FromDevice, PLAIN)?.unmap())
            };

            let buffer = KVec::sample(9000, 1)?;
            check!(context::spinlocked(|| round(buffer))?.holds(1));
            let buffer = KVec::sample(9000, 1)?;
            let (off, were_off) = context::irqs_off(|| round(buffer));
            check!(were_off && off?.holds(1));
            let buffer = KVec::sample(9000, 1)?;
            check!(context::hard_irq(|| round(buffer))??.holds(1));
            Ok(())
        })
    }
}
