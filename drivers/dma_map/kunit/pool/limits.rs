// SPDX-License-Identifier: GPL-2.0

//! Segment limits of pool blocks: those that a driver states, and a bus's defaults.

use super::*;
use crate::{
    c,
    engines::Idle,
    fixture::*, //
};
use dma_map::pool::PoolOptions;

/// Two pages, which are the limit below, and a byte more.
const AT: usize = 2 * PAGE_SIZE;
const ABOVE: usize = AT + 1;

const WITHIN: PoolOptions<'_> = PoolOptions::new(c"within");
const BEYOND: PoolOptions<'_> = PoolOptions::new(c"beyond").beyond_segment_limits();

/// Each of them is two pages: as a length, as a boundary, and as both.
const LIMITS: [DmaLimits; 4] = [
    ALL.max_segment_size(AT as u32),
    ALL.segment_boundary(AT as u64 - 1),
    ALL.max_segment_size(1 << 20)
        .segment_boundary(AT as u64 - 1),
    ALL.max_segment_size(AT as u32)
        .segment_boundary(0xffff_ffff),
];

/// Calls each constructor, for blocks of `N` bytes, and `f` with what becomes of it.
fn each_constructor<const N: usize>(
    dma: DmaDevice<'_>,
    options: PoolOptions<'_>,
    mut f: impl FnMut(Result<DmaPool<'_, [u8; N]>>) -> Result,
) -> Result {
    f(DmaPool::new(dma, options))?;
    f(DmaPool::with::<PAGE_SIZE, 0>(dma, options))?;
    f(DmaPool::with::<64, { 128 << 10 }>(dma, options))?;
    f(DmaPool::try_with(dma, options, 512, 0))?;
    f(DmaPool::try_with(dma, options, 1, 32 << 10))
}

/// Takes some blocks, and checks that each is one segment within a boundary of two pages, if `N` is.
fn fits<const N: usize>(pool: Result<DmaPool<'_, [u8; N]>>) -> Result {
    let pool = pool?;
    let mut held = KVec::new();
    for _ in 0..(2 * AT).div_ceil(N).clamp(3, 40) {
        let block = PoolBlock::zeroed(&pool, Gfp::Kernel)?.give(Idle);
        let address = block.dma_address();
        check!(N > AT || address / AT as u64 == (address + N as u64 - 1) / AT as u64);
        held.push(block, GFP_KERNEL)?;
    }
    Ok(())
}

fn refused<T>(pool: Result<DmaPool<'_, T>>) -> Result {
    check_eq!(pool.map(|_| ()).err(), Some(EINVAL));
    Ok(())
}

#[kunit_tests(dma_map_pool_limits)]
mod tests {
    use super::*;

    #[test]
    fn stated_limits_hold_unless_the_driver_says_otherwise() -> Result {
        for limits in LIMITS {
            each_dma(limits, |dma| {
                each_constructor::<1>(dma, WITHIN, fits::<1>)?;
                each_constructor::<3000>(dma, WITHIN, fits::<3000>)?;
                each_constructor::<5000>(dma, WITHIN, fits::<5000>)?;
                each_constructor::<AT>(dma, WITHIN, fits::<AT>)?;
                each_constructor::<ABOVE>(dma, WITHIN, refused)?;
                each_constructor::<{ 2 * AT }>(dma, WITHIN, refused)?;

                each_constructor::<AT>(dma, BEYOND, fits::<AT>)?;
                each_constructor::<ABOVE>(dma, BEYOND, fits::<ABOVE>)?;
                each_constructor::<{ 2 * AT }>(dma, BEYOND, fits::<{ 2 * AT }>)
            })?;
        }
        Ok(())
    }

    #[test]
    fn the_smallest_segment_holds() -> Result {
        each_dma(ALL.max_segment_size(64), |dma| {
            each_constructor::<64>(dma, WITHIN, fits::<64>)?;
            each_constructor::<65>(dma, WITHIN, refused)?;
            each_constructor::<65>(dma, BEYOND, fits::<65>)
        })
    }

    #[test]
    fn a_default_of_the_bus_is_none_of_blocks() -> Result {
        each_dma(ALL, |dma| {
            check_eq!(dma.max_segment_size(), 64 * 1024);
            let pool = DmaPool::<[u8; 64 * 1024 + 1]>::new(dma, c"long")?;
            let block = PoolBlock::zeroed(&pool, Gfp::Kernel)?;
            check_eq!(block.len(), 64 * 1024 + 1);
            Ok(())
        })
    }

    /// A block of two pages is aligned to its size, and the bus moves it by a page.
    #[test]
    fn blocks_that_the_bus_moves_across_are_eio() -> Result {
        TestDevice::platform()?.bind(|probe| {
            c::set_dma_offset(probe.device(), PAGE_SIZE as u64)?;
            let dma = probe.dma(ALL.segment_boundary(AT as u64 - 1))?;
            fits(DmaPool::<[u8; PAGE_SIZE]>::new(dma, WITHIN))?;

            let pool = DmaPool::<[u8; AT]>::new(dma, WITHIN)?;
            check_err!(PoolBlock::zeroed(&pool, Gfp::Kernel), EIO);
            check_err!(PoolBlock::new(&pool, [1; AT], Gfp::Atomic), EIO);
            check_eq!(pool.outstanding(), 0);

            let pool = DmaPool::<[u8; AT]>::new(dma, BEYOND)?;
            PoolBlock::zeroed(&pool, Gfp::Kernel)?;
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }
}
