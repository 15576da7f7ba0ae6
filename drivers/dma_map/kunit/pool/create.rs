// SPDX-License-Identifier: GPL-2.0

//! Constructors of a pool: size, alignment and boundary of its blocks, and what is refused.

use super::*;
use crate::{
    engines::Idle,
    faults,
    fixture::*, //
};
use kernel::sizes::SZ_128K;

/// Takes blocks for some pages, and checks that they are where they have to be and hold zeroes.
fn check_blocks<T>(pool: &DmaPool<'_, T>, align: usize, boundary: usize) -> Result
where
    T: FromBytes + IntoBytes,
{
    let size = size_of::<T>();
    let count = (3 * PAGE_SIZE).div_ceil(size.max(16)).max(3);
    let mut all = KVec::new();
    // In order, so that each need be compared with its neighbour only.
    let mut spans = KVec::<(u64, u64)>::with_capacity(count, GFP_KERNEL)?;

    for _ in 0..count {
        let block = PoolBlock::zeroed(pool, Gfp::Kernel)?;
        let start = core::ptr::from_ref(&*block).cast::<u8>();
        let cpu = start.addr();
        check!(
            cpu.checked_rem(align) == Some(0),
            "{cpu:#x} is not aligned to {align}"
        );
        // SAFETY: The bytes of the block, which is initialised and has no padding.
        let bytes = unsafe { core::slice::from_raw_parts(start, size) };
        // Compared in parts, because the sanitizer looks at each access of a loop.
        check!(
            bytes.chunks(64).all(|part| *part == [0; 64][..part.len()]),
            "the block is not zeroed"
        );

        let block = block.give(Idle);
        let first = block.dma_address();
        let last = first + size as u64 - 1;
        check!(
            first.checked_rem(align as u64) == Some(0),
            "{first:#x} not aligned to {align}"
        );
        if boundary != 0 {
            let within = boundary as u64;
            check!(
                first / within == last / within,
                "{first:#x} over {boundary:#x}"
            );
        }
        all.push(block, GFP_KERNEL)?;
        let place = spans.partition_point(|span| span.0 < first);
        spans
            .insert_within_capacity(place, (first, last))
            .map_err(|_| ENOMEM)?;
    }
    check_eq!(pool.outstanding(), count);

    check!(
        spans.windows(2).all(|two| two[0].1 < two[1].0),
        "two blocks overlap"
    );
    drop(all);
    check_eq!(pool.outstanding(), 0);
    Ok(())
}

/// Checks blocks of the type's own alignment.
fn plain<T: FromBytes + IntoBytes>(dma: DmaDevice<'_>) -> Result {
    let pool = DmaPool::<T>::new(dma, c"plain")?;
    // A block of up to a page lies within one.
    let boundary = if size_of::<T>() <= PAGE_SIZE {
        PAGE_SIZE
    } else {
        0
    };
    check_blocks(&pool, align_of::<T>(), boundary)
}

/// Checks blocks under limits that a pool takes.
fn takes<T: FromBytes + IntoBytes>(dma: DmaDevice<'_>, align: usize, boundary: usize) -> Result {
    let pool = DmaPool::<T>::try_with(dma, c"takes", align, boundary)?;
    check_blocks(&pool, align.max(align_of::<T>()), boundary)
}

/// Checks that limits are refused.
fn refuses<T: FromBytes + IntoBytes>(dma: DmaDevice<'_>, align: usize, boundary: usize) -> Result {
    let pool = DmaPool::<T>::try_with(dma, c"refuses", align, boundary);
    check!(pool.is_err(), "align {align:#x}, boundary {boundary:#x}");
    check_err!(pool, EINVAL);
    Ok(())
}

#[derive(FromBytes, IntoBytes)]
#[repr(C, align(64))]
struct Line([u8; 64]);

#[kunit_tests(dma_map_pool_create)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_zeroed_aligned_and_apart() -> Result {
        each_dma(ALL, |dma| {
            plain::<u8>(dma)?;
            plain::<u16>(dma)?;
            plain::<[u8; 3]>(dma)?;
            plain::<u64>(dma)?;
            plain::<[u8; 15]>(dma)?;
            plain::<[u8; 16]>(dma)?;
            plain::<[u8; 17]>(dma)?;
            plain::<Descriptor>(dma)?;
            plain::<Line>(dma)?;
            plain::<[u64; 511]>(dma)?;
            plain::<[u64; 512]>(dma)?;
            plain::<[u8; 4097]>(dma)
        })
    }

    #[test]
    fn blocks_around_a_page_and_below_128_kib() -> Result {
        each_dma(ALL, |dma| {
            plain::<[u8; 4095]>(dma)?;
            plain::<[u8; 8192]>(dma)?;
            plain::<[u8; 65537]>(dma)?;
            plain::<[u8; SZ_128K - 1]>(dma)
        })
    }

    #[test]
    fn each_alignment_up_to_a_page() -> Result {
        each_dma(ALL, |dma| {
            let mut align = 1;
            while align <= PAGE_SIZE {
                takes::<[u8; 20]>(dma, align, 0)?;
                takes::<Descriptor>(dma, align, 0)?;
                align *= 2;
            }
            takes::<[u8; 5000]>(dma, PAGE_SIZE, 0)
        })
    }

    #[test]
    fn alignment_that_is_not_a_power_of_two_is_einval() -> Result {
        each_dma(ALL, |dma| {
            for align in [0, 3, 5, 6, 7, 9, 24, 4095, usize::MAX] {
                refuses::<Descriptor>(dma, align, 0)?;
            }
            Ok(())
        })
    }

    #[test]
    fn alignment_beyond_a_page_is_einval() -> Result {
        each_dma(ALL, |dma| {
            for align in [2 * PAGE_SIZE, 1 << 20, 1 << 31, 1 << 32, 1 << 63] {
                refuses::<Descriptor>(dma, align, 0)?;
            }
            Ok(())
        })
    }

    #[test]
    fn each_boundary_from_the_block_on() -> Result {
        each_dma(ALL, |dma| {
            let mut boundary = 32;
            while boundary <= 1 << 20 {
                takes::<Descriptor>(dma, 1, boundary)?;
                boundary *= 2;
            }
            takes::<[u8; 100]>(dma, 4, 128)?;
            takes::<[u8; 3000]>(dma, 4, 4096)?;
            takes::<[u8; 4096]>(dma, 4096, 4096)?;
            takes::<[u8; 5000]>(dma, 8, 8192)?;
            takes::<[u8; 20_000]>(dma, 8, 1 << 15)?;
            takes::<u8>(dma, 1, 1 << 63)
        })
    }

    #[test]
    fn boundary_below_the_block_is_einval() -> Result {
        each_dma(ALL, |dma| {
            // No block is smaller than 16 bytes, and the alignment makes it larger.
            takes::<u8>(dma, 1, 16)?;
            takes::<[u8; 16]>(dma, 1, 16)?;
            takes::<[u8; 100]>(dma, 128, 128)?;
            for (align, boundary) in [(1, 8), (1, 1), (32, 16), (4096, 2048)] {
                refuses::<u8>(dma, align, boundary)?;
            }
            refuses::<[u8; 17]>(dma, 1, 16)?;
            refuses::<[u8; 100]>(dma, 1, 64)?;
            refuses::<[u8; 128]>(dma, 256, 128)?;
            refuses::<[u8; 4097]>(dma, 1, 4096)
        })
    }

    #[test]
    fn boundary_that_is_not_a_power_of_two_is_einval() -> Result {
        each_dma(ALL, |dma| {
            for boundary in [17, 31, 33, 48, 4095, 4097, usize::MAX, (1 << 63) + 1] {
                refuses::<[u8; 16]>(dma, 1, boundary)?;
            }
            Ok(())
        })
    }

    #[test]
    fn blocks_of_128_kib_are_einval() -> Result {
        each_dma(ALL, |dma| {
            takes::<[u8; SZ_128K - 1]>(dma, 1, 0)?;
            takes::<[u8; SZ_128K - 4096]>(dma, 4096, 0)?;
            refuses::<[u8; SZ_128K - 1]>(dma, 2, 0)?;
            refuses::<[u8; SZ_128K - 4095]>(dma, 4096, 0)
        })
    }

    #[test]
    fn constants_make_the_same_pools() -> Result {
        each_dma(ALL, |dma| {
            let pool = DmaPool::<Descriptor>::with::<256, 4096>(dma, c"constants")?;
            check_blocks(&pool, 256, 4096)?;
            let pool = DmaPool::<[u64; 512]>::with::<4096, 4096>(dma, c"constants")?;
            check_blocks(&pool, 4096, 4096)?;
            let pool = DmaPool::<u8>::with::<1, 0>(dma, c"constants")?;
            check_blocks(&pool, 1, 0)
        })
    }

    #[test]
    fn pool_without_memory_is_enomem_and_can_be_made_later() -> Result {
        each_dma(ALL, |dma| {
            faults::each_is_enomem(|| DmaPool::<Descriptor>::new(dma, c"no memory"))?;
            check_eq!(dma.quarantined(), 0);
            check_blocks(&DmaPool::<Descriptor>::new(dma, c"memory")?, 8, PAGE_SIZE)
        })
    }

    #[test]
    fn names_are_for_people() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let empty = DmaPool::<u32>::new(dma, c"")?;
            let same = DmaPool::<u32>::new(dma, c"")?;
            let long = DmaPool::<u32>::new(
                dma,
                c"a name of more than thirty-one bytes, of which the rest is cut off %s %n",
            )?;
            for pool in [&empty, &same, &long] {
                check_blocks(pool, 4, 0)?;
                check!(core::ptr::eq(pool.device().device(), probe.device()));
            }
            Ok(())
        })
    }

    #[test]
    fn many_pools_come_and_go() -> Result {
        each_dma(ALL, |dma| {
            let mut pools = KVec::new();
            for _ in 0..50 {
                pools.push(DmaPool::<Descriptor>::new(dma, c"many")?, GFP_KERNEL)?;
            }
            for pool in &pools {
                check_blocks(pool, 8, PAGE_SIZE)?;
            }
            while pools.len() > 1 {
                pools.pop();
            }
            check_blocks(&pools[0], 8, PAGE_SIZE)
        })
    }
}
