// SPDX-License-Identifier: GPL-2.0

//! Allocation of pool blocks: their contents, legal contexts, and what keeps the pool alive.

use super::*;
use crate::{
    context,
    faults,
    fixture::*, //
};
use kernel::sync::Arc;

type Page = [u8; PAGE_SIZE];

#[kunit_tests(dma_map_pool_alloc)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_used_like_boxes() -> Result {
        each_dma(ALL, |dma| {
            let pool = DmaPool::<Descriptor>::new(dma, c"boxes")?;
            let mut all = KVec::new();
            for i in 0..500 {
                let mut block = PoolBlock::zeroed(&pool, Gfp::Kernel)?;
                block.len = i;
                all.push(block, GFP_KERNEL)?;
            }
            for (i, block) in all.iter().enumerate() {
                check_eq!(block.len, i as u32);
                check_eq!(block.next, 0);
            }
            check_eq!(pool.outstanding(), 500);
            all.truncate(499);
            check_eq!(pool.outstanding(), 499);
            Ok(())
        })
    }

    #[test]
    fn values_are_moved_in() -> Result {
        each_dma(ALL, |dma| {
            let pool = DmaPool::<Descriptor>::new(dma, c"values")?;
            let block = PoolBlock::new(&pool, DESCRIPTOR, Gfp::Kernel)?;
            check_eq!(*block, DESCRIPTOR);
            Ok(())
        })
    }

    #[test]
    fn blocks_are_initialised_in_place() -> Result {
        each_dma(ALL, |dma| {
            let pool = DmaPool::<Descriptor>::new(dma, c"in place")?;
            let init = pin_init::init!(Descriptor {
                address: 1,
                len: 2,
                flags: 3,
                next: 4,
            });
            let block = PoolBlock::init(&pool, init, Gfp::Kernel)?;
            check_eq!((block.address, block.len), (1, 2));
            check_eq!((block.flags, block.next), (3, 4));
            Ok(())
        })
    }

    #[test]
    fn failing_init_gives_its_error_and_puts_back() -> Result {
        each_dma(ALL, |dma| {
            let pool = DmaPool::<Descriptor>::new(dma, c"failing")?;
            for _ in 0..300 {
                let init = pin_init::init!(Descriptor {
                    address: 1,
                    len: Err::<u32, Error>(EDOM)?,
                    flags: 3,
                    next: 4,
                }? Error);
                check_err!(PoolBlock::init(&pool, init, Gfp::Kernel), EDOM);
                check_eq!(pool.outstanding(), 0);
            }
            Ok(())
        })
    }

    #[test]
    fn nobody_finds_what_was_there_before() -> Result {
        each_dma(ALL, |dma| {
            let pool = DmaPool::<Page>::new(dma, c"before")?;
            for round in 0..4 {
                let mut all = KVec::new();
                for _ in 0..8 {
                    let mut block = PoolBlock::zeroed(&pool, Gfp::Kernel)?;
                    check!(block.iter().all(|byte| *byte == 0), "round {round}");
                    block.fill(0xa5);
                    all.push(block, GFP_KERNEL)?;
                }
            }
            Ok(())
        })
    }

    #[test]
    fn atomic_contexts_take_and_put_back() -> Result {
        each_dma(ALL, |dma| {
            let pool = DmaPool::<Page>::new(dma, c"atomic")?;
            for gfp in [Gfp::Atomic, Gfp::Nowait] {
                // The first one takes a page for it, the second finds a block.
                for _ in 0..2 {
                    context::each_atomic(&mut || {
                        let mut block = PoolBlock::zeroed(&pool, gfp)?;
                        fill(&mut block, 3);
                        check!(holds(&block, 3));
                        Ok(())
                    })?;
                }
            }
            check_eq!(pool.outstanding(), 0);
            Ok(())
        })
    }

    #[test]
    fn each_allocation_that_fails_is_enomem() -> Result {
        each_dma(ALL, |dma| {
            for n in 1..20 {
                let pool = DmaPool::<[u8; 5000]>::new(dma, c"fails")?;
                let failing = faults::failing(n, || PoolBlock::zeroed(&pool, Gfp::Nowait));
                match failing {
                    None => {
                        skip(c"no fault injection");
                        return Ok(());
                    }
                    Some((Err(err), true)) => {
                        check_eq!(err, ENOMEM);
                        check_eq!(pool.outstanding(), 0);
                        // The pool is as good as before.
                        drop(PoolBlock::zeroed(&pool, Gfp::Kernel)?);
                    }
                    // The C API tried again, with success.
                    Some((Ok(_), true)) => (),
                    Some((result, false)) => {
                        check!(n > 1, "nothing was allocated");
                        return result.map(|_| ());
                    }
                }
            }
            Err(ELOOP)
        })
    }

    #[test]
    fn memory_out_of_reach_is_enomem() -> Result {
        let dev = TestDevice::platform()?;
        dev.bind(|probe| {
            let dma = probe.dma(DmaLimits::new(DmaMask::new::<24>()))?;
            let pool = DmaPool::<Descriptor>::new(dma, c"out of reach")?;
            // What a zone of low memory can serve, if there is one, is within the mask.
            match PoolBlock::zeroed(&pool, Gfp::Kernel) {
                Ok(block) => {
                    let block = block.give(crate::engines::Idle);
                    check!(block.dma_address() >> 24 == 0);
                }
                Err(err) => check_eq!(err, ENOMEM),
            }
            Ok(())
        })
    }

    /// misuse: pool-before-blocks
    #[test]
    fn a_reference_count_keeps_the_pool() -> Result {
        each_dma(ALL, |dma| {
            let pool = Arc::new(DmaPool::<Descriptor>::new(dma, c"counted")?, GFP_KERNEL)?;
            let mut first = PoolBlock::new(pool.clone(), DESCRIPTOR, Gfp::Kernel)?;
            let second = PoolBlock::zeroed(pool.clone(), Gfp::Kernel)?;
            check_eq!(pool.outstanding(), 2);
            drop(pool);

            drop(second);
            first.len = 7;
            check_eq!(first.len, 7);
            check_eq!(first.next, DESCRIPTOR.next);
            drop(first);
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }

    #[test]
    fn both_kinds_of_blocks_come_from_one_pool() -> Result {
        each_dma(ALL, |dma| {
            let pool = Arc::new(DmaPool::<Descriptor>::new(dma, c"both")?, GFP_KERNEL)?;
            let counted = PoolBlock::zeroed(pool.clone(), Gfp::Kernel)?;
            let borrowed = PoolBlock::zeroed(&*pool, Gfp::Kernel)?;
            check!(!core::ptr::eq(&*counted, &*borrowed));
            check_eq!(pool.outstanding(), 2);
            drop((counted, borrowed));
            check_eq!(pool.outstanding(), 0);
            Ok(())
        })
    }
}
