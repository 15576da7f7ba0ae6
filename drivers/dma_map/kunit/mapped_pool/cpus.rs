// SPDX-License-Identifier: GPL-2.0

//! Per-CPU caches of a mapped pool.

use super::*;
use crate::{
    engines::Idle,
    fixture::*, //
};
use kernel::cpu::nr_cpu_ids;

const MAX: usize = 64;

/// The largest number of buffers in the cache of a CPU, for a pool made with `cache`.
fn capacity(cache: usize) -> usize {
    let cpus = nr_cpu_ids() as usize;

    cache.min((MAX / 2).checked_div(cpus).unwrap_or(0))
}

/// Runs `case` with two CPUs that are online; KUnit is told if there is one only.
fn with_two(case: impl FnOnce(u32, u32) -> Result) -> Result {
    let mut online = (0..nr_cpu_ids()).filter(|cpu| context::on_cpu(*cpu, || ()).is_ok());

    match (online.next(), online.next()) {
        (Some(one), Some(two)) => case(one, two),
        _ => {
            skip(c"one CPU");
            Ok(())
        }
    }
}

#[kunit_tests(dma_map_mapped_pool_cpus)]
mod tests {
    use super::*;

    #[test]
    fn takes_are_counted() -> Result {
        each_dma(LARGE, |dma| {
            let pool = pool(dma, 100, MappedPoolOptions::new(MAX).cache(8))?;
            let half = capacity(8) / 2;
            check!(half >= 2, "not enough buffers for so many CPUs");

            context::irqs_off(|| {
                for round in 0..100 {
                    drop(pool.take()?);
                    let stats = pool.stats();
                    check_eq!((stats.misses, stats.refills, stats.hits), (1, 1, round));
                    check_eq!((stats.cached, stats.reserve), (half + 1, MAX - half - 1));
                }
                Ok(())
            })
            .0?;

            // All buffers of the cache, and then the next ones.
            let all = several(&pool, MAX)?;
            let stats = pool.stats();
            check_eq!((stats.in_use, stats.cached, stats.reserve), (MAX, 0, 0));
            check_eq!(stats.hits + stats.misses, 100 + MAX);
            check!(stats.refills > 1 && stats.refills == stats.misses);
            check_eq!((stats.exhausted, stats.flushes), (0, 0));
            drop(all);
            Ok(())
        })
    }

    #[test]
    fn too_many_at_hand_go_to_the_reserve() -> Result {
        each_dma(LARGE, |dma| {
            for cache in [8, 3, 1, 0] {
                let pool = pool(dma, 100, MappedPoolOptions::new(MAX).cache(cache))?;
                let mut all = several(&pool, MAX)?;
                let ((), _) = context::irqs_off(|| while all.pop().is_some() {});
                let stats = pool.stats();
                check!(stats.cached <= capacity(cache));
                check_eq!(stats.cached + stats.reserve, MAX);
                check_eq!(stats.flushes > 0, cache > 0);
                check!(cache == 0 || stats.cached > 0);
            }
            Ok(())
        })
    }

    #[test]
    fn buffers_go_from_one_cpu_to_the_other() -> Result {
        each_dma(LARGE, |dma| {
            with_two(|one, two| {
                let pool = pool(dma, 100, MappedPoolOptions::new(MAX))?;
                for seed in 1..20 {
                    let mut buffers = KVec::new();
                    for _ in 0..3 {
                        buffers.push(context::on_cpu(one, || pool.take())??, GFP_KERNEL)?;
                    }
                    while let Some(buffer) = buffers.pop() {
                        let buffer = round_trip(buffer, Idle, seed)?;
                        context::on_cpu(two, || drop(buffer))?;
                    }
                }
                let stats = pool.stats();
                check_eq!((stats.in_use, stats.allocated), (0, MAX));
                check!(stats.cached <= 2 * capacity(MAX));
                Ok(())
            })
        })
    }

    #[test]
    fn what_comes_back_when_there_are_none_is_there_for_all() -> Result {
        each_dma(LARGE, |dma| {
            with_two(|one, two| {
                let pool = pool(dma, 100, MappedPoolOptions::new(MAX))?;
                let kept = context::on_cpu(two, || pool.take())??;
                let at_hand = pool.stats().cached;
                check!(at_hand > 1);

                // The other CPU can't reach this CPU's cache.
                let mut all = KVec::with_capacity(MAX, GFP_KERNEL)?;
                context::on_cpu(one, || {
                    while let Ok(buffer) = pool.take() {
                        all.push_within_capacity(buffer).map_err(|_| EINVAL)?;
                    }
                    check_eq!(all.len(), MAX - 1 - at_hand);
                    Ok(())
                })??;

                // Until something is put back here.
                context::on_cpu(two, || drop(kept))?;
                check_eq!(pool.stats().cached, 0);
                context::on_cpu(one, || {
                    for _ in 0..at_hand + 1 {
                        all.push_within_capacity(pool.take()?).map_err(|_| EINVAL)?;
                    }
                    check_err!(pool.take(), EBUSY);
                    Ok(())
                })?
            })
        })
    }

    #[test]
    fn buffers_are_taken_and_put_back_in_interrupts() -> Result {
        each_dma(LARGE, |dma| {
            let pool = pool(dma, 100, MappedPoolOptions::new(MAX).prefill(0))?;
            for seed in 1..10 {
                let one = context::hard_irq(|| pool.take())??;
                let two = context::spinlocked(|| pool.take())?;
                let one = round_trip(one, Idle, seed)?;
                let two = round_trip(two, Idle, seed ^ 0x55)?;
                check!(holds(&one, !seed));
                let two = two.give(Idle);
                context::hard_irq(|| drop(one))?;
                context::irqs_off(|| drop(two));
            }
            check_eq!(pool.stats().in_use, 0);
            Ok(())
        })
    }
}
