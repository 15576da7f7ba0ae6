// SPDX-License-Identifier: GPL-2.0

//! Number of buffers in a mapped pool: its maximum, and when they are allocated.

use super::*;
use crate::{
    engines::Idle,
    faults,
    fixture::*, //
};

const MAX: usize = 7;

/// Takes all buffers of a pool twice, and finds that there is no more.
fn check_maximum(pool: &Bytes<'_>) -> Result {
    for round in 1..3 {
        let mut all = several(pool, MAX)?;
        for _ in 0..3 {
            check_err!(pool.take(), EBUSY);
        }
        let stats = pool.stats();
        check_eq!((stats.max, stats.allocated, stats.in_use), (MAX, MAX, MAX));
        check_eq!((stats.cached, stats.reserve), (0, 0));
        check_eq!(stats.exhausted, 4 * round - 1);

        // One that comes back is there for the next one, wherever that is.
        drop(all.pop());
        let last = round_trip(pool.take()?, Idle, round as u8)?;
        check_err!(pool.take(), EBUSY);
        drop((all, last));
        let stats = pool.stats();
        check_eq!((stats.allocated, stats.in_use), (MAX, 0));
        check_eq!(stats.cached + stats.reserve, MAX);
        check_eq!(stats.exhausted, 4 * round);
    }
    Ok(())
}

#[kunit_tests(dma_map_mapped_pool_bound)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_maximum_it_is_ebusy() -> Result {
        each_dma(LARGE, |dma| {
            for options in [
                MappedPoolOptions::new(MAX),
                MappedPoolOptions::new(MAX).prefill(0),
                MappedPoolOptions::new(MAX).prefill(3),
                MappedPoolOptions::new(MAX).prefill(usize::MAX),
                MappedPoolOptions::new(MAX).cache(0),
                MappedPoolOptions::new(MAX).cache(usize::MAX),
            ] {
                for len in [64, 2048, 5000] {
                    check_maximum(&pool(dma, len, options)?)?;
                }
            }
            Ok(())
        })
    }

    #[test]
    fn memory_is_allocated_when_it_is_needed() -> Result {
        each_dma(LARGE, |dma| {
            let all = pool(dma, 2048, MappedPoolOptions::new(MAX))?;
            check_eq!((all.stats().allocated, all.stats().reserve), (MAX, MAX));
            let some = pool(dma, 2048, MappedPoolOptions::new(MAX).prefill(3))?;
            check_eq!(some.stats().allocated, 4);

            let none = pool(dma, 2048, MappedPoolOptions::new(MAX).prefill(0))?;
            check_eq!(none.stats().allocated, 0);
            let mut taken = KVec::new();
            // Two buffers share a page, and the last one has a page for itself.
            for allocated in [2, 2, 4, 4, 6, 6, MAX] {
                taken.push(none.take()?, GFP_KERNEL)?;
                check_eq!(none.stats().allocated, allocated);
                check_eq!(none.stats().in_use, taken.len());
            }
            drop(taken);
            check_eq!(none.stats().allocated, MAX);
            Ok(())
        })
    }

    #[test]
    fn allocation_that_fails_is_enomem_and_tried_again() -> Result {
        each_dma(LARGE, |dma| {
            let options = MappedPoolOptions::new(MAX).prefill(0);
            for n in 1..100 {
                let pool = pool(dma, 5000, options)?;
                match faults::failing(n, || pool.take()) {
                    None => {
                        skip(c"no fault injection");
                        return Ok(());
                    }
                    Some((result, false)) => {
                        check!(n > 1, "nothing failed");
                        drop(result?);
                        break;
                    }
                    // The kernel had another way to get the memory.
                    Some((Ok(buffer), true)) => drop(buffer),
                    Some((Err(err), true)) => {
                        check_eq!(err, ENOMEM);
                        check_eq!(pool.stats().allocated, 0);
                        check_maximum(&pool)?;
                    }
                }
            }
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }
}
