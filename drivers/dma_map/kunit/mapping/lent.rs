// SPDX-License-Identifier: GPL-2.0

//! `with_mapped`: which kinds of memory can be lent.

use super::{
    scope::{
        crosses,
        each_direction, //
    },
    *, //
};
use crate::{
    device_side,
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    mapping::with_mapped,
    Bidirectional,
    DmaCoherent,
    DmaNoncontiguous,
    DmaPages,
    DmaPool,
    FromDevice,
    MappedPool,
    MappedPoolOptions,
    PoolBlock,
    ToDevice, //
};

#[kunit_tests(dma_map_mapping_lent)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_lent_as_pages_and_not_as_a_slice() -> Result {
        each_dma(ALL, |dma| {
            for order in 0..3 {
                let mut pages = Pages::zeroed(order, Gfp::Kernel)?;
                let size = pages.len();
                with_mapped(dma, &mut pages, FromDevice, Idle, PLAIN, |lent| {
                    check_eq!(lent.size(), size);
                    crosses(lent, None, Some(1))
                })?;
                check!(pages.holds(1));
                with_mapped(dma, &pages, ToDevice, Idle, PLAIN, |lent| {
                    crosses(lent, Some(1), None)
                })?;
                each_direction(dma, &mut pages)?;
                each_direction(dma, &mut pages[8..16])?;
            }
            Ok(())
        })
    }

    #[test]
    fn memory_of_other_handles_is_einval() -> Result {
        each_dma(ALL, |dma| {
            for gfp in [Gfp::Kernel, Gfp::Atomic] {
                for len in [1, 64, PAGE_SIZE, 3 * PAGE_SIZE] {
                    let mut memory = DmaCoherent::<[u8]>::zeroed_slice(dma, len, gfp)?;
                    each_direction(dma, &mut memory)?;
                    let mut pages = DmaPages::alloc(dma, len, Bidirectional, gfp)?;
                    each_direction(dma, pages.as_mut_slice())?;
                }
            }
            let mut large = DmaCoherent::<[u8]>::zeroed_slice_large(dma, 128 << 10, Gfp::Kernel)?;
            each_direction(dma, &mut large)?;
            let mut pages = DmaNoncontiguous::alloc(dma, 2 * PAGE_SIZE, Bidirectional)?;
            each_direction(dma, pages.as_mut_slice())?;

            let pool = DmaPool::<[u8; 64]>::new(dma, c"lent")?;
            let mut block = PoolBlock::zeroed(&pool, Gfp::Kernel)?;
            each_direction(dma, &mut block[..])?;

            let options = MappedPoolOptions::new(2);
            let pool = MappedPool::<u8, _>::new(dma, c"lent", 64, Bidirectional, options)?;
            each_direction(dma, pool.take()?.as_mut_slice())
        })
    }

    /// Objects that KFENCE watches are the heap's as others are, and there is nothing about them that
    /// a driver could know. The log says how many there were.
    ///
    /// kernel: kfence
    #[test]
    fn many_small_allocations_are_mapped_and_lent() -> Result {
        const COUNT: usize = 400;

        each_dma(ALL, |dma| {
            let mut watched = 0;
            let mut held = KVec::with_capacity(COUNT, GFP_KERNEL)?;
            for i in 0..COUNT {
                let len = 1 + i * 7 % 600;
                let mut bytes = KVec::from_elem(0u8, len, GFP_KERNEL)?;
                // What KFENCE has is still rare after this.
                if c::is_kfence(bytes.as_ptr()) {
                    watched += 1;
                } else if i % 8 == 0 {
                    kernel::time::delay::fsleep(kernel::time::Delta::from_micros(500));
                }

                with_mapped(dma, &mut bytes[..], FromDevice, Idle, PLAIN, |lent| {
                    crosses(lent, None, Some(1))
                })?;
                check!(bytes.holds(1), "{len} bytes are not there");
                with_mapped(dma, &bytes[len / 2..], ToDevice, Idle, PLAIN, |_| Ok(()))?;
                let mapping = map_single(dma, bytes, FromDevice, Idle)?;
                device_side::fill_at(dma, mapping.dma_address(), len, 2)?;
                let bytes = mapping.unmap()?;
                check!(bytes.holds(2), "{len} bytes are not there");
                let mapping = map_sg(dma, bytes, FromDevice, Idle)?;
                device_side::fill(&mapping, 3)?;
                let bytes = mapping.unmap()?;
                check!(bytes.holds(3), "{len} bytes are not there");
                held.push(bytes, GFP_KERNEL)?;
            }
            pr_info!("{watched} of {COUNT} allocations were KFENCE's\n");
            Ok(())
        })
    }
}
