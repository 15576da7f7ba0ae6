// SPDX-License-Identifier: GPL-2.0

//! Hard interrupts that take and put back at any moment, also during a call on the same CPU.

use super::*;
use crate::fixture::*;
use kernel::{
    bindings,
    cpu::nr_cpu_ids,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

const MAX: usize = 24;

/// Fewer interrupts prove nothing.
const LEAST: u64 = 100;

/// What is counted while it goes on.
struct Counts {
    taken: Atomic<u64>,
    faults: Atomic<u64>,
    interrupts: Atomic<u64>,
}

/// A buffer with a mark: a second owner of the same buffer finds it.
struct Marked<'b>(Buffer<'b>);

impl<'b> Marked<'b> {
    fn take(pool: &Bytes<'b>, counts: &Counts) -> Option<Self> {
        let buffer = pool.take();
        counts.taken.add(1, Relaxed);
        match buffer {
            Ok(mut buffer) => {
                for byte in buffer.as_mut_slice() {
                    counts.faults.add((*byte != 0).into(), Relaxed);
                    *byte = 1;
                }
                Some(Self(buffer))
            }
            Err(err) => {
                counts.faults.add((err != EBUSY).into(), Relaxed);
                None
            }
        }
    }
}

impl Drop for Marked<'_> {
    fn drop(&mut self) {
        self.0.as_mut_slice().fill(0);
    }
}

/// Lets a thread and interrupts share a pool, until there were `count` of them, or for five seconds with
/// some of them.
fn share(pool: &Bytes<'_>, counts: &Counts, count: u64) -> Result {
    let mut kept = None;
    // The first buffer of the list comes back first, on top of those put back meanwhile; the second stays out.
    let interrupt = || {
        let first = Marked::take(pool, counts);
        let second = Marked::take(pool, counts);
        let third = Marked::take(pool, counts);
        drop((first, third));
        kept = second;
        counts.interrupts.add(1, Relaxed);
    };

    // SAFETY: The function has no preconditions.
    let now = || unsafe { bindings::ktime_get() };
    // 5 s, or a minute on a host so busy that the timer hardly runs.
    let (enough, end) = (now() + 5_000_000_000, now() + 60_000_000_000);
    context::interrupted(100_000, interrupt, || {
        let mut kept = [const { None }; 3];
        for round in 0u32.. {
            let (interrupts, time) = (counts.interrupts.load(Relaxed), now());
            if interrupts >= count || time >= end || (time >= enough && interrupts > LEAST) {
                break;
            }
            for place in kept.iter_mut() {
                *place = Marked::take(pool, counts);
            }
            if round % 64 == 0 {
                // What was taken there is put back here.
                let cpu = round / 64 % nr_cpu_ids();
                kept[0] = context::on_cpu(cpu, || Marked::take(pool, counts))?;
            }
        }
        Ok(())
    })?
}

#[kunit_tests(dma_map_mapped_pool_interrupts)]
mod tests {
    use super::*;

    #[test]
    fn interrupt_at_any_moment_finds_and_leaves_whole_lists() -> Result {
        each_dma(LARGE, |dma| {
            for cache in [MAX, 2, 0] {
                let pool = pool(dma, 8, MappedPoolOptions::new(MAX).cache(cache))?;
                let counts = Counts {
                    taken: Atomic::new(0),
                    faults: Atomic::new(0),
                    interrupts: Atomic::new(0),
                };
                share(&pool, &counts, 1000)?;
                check!(
                    counts.interrupts.load(Relaxed) > LEAST,
                    "the timer does not run"
                );
                check_eq!(counts.faults.load(Relaxed), 0);

                // All are back, once each.
                let stats = pool.stats();
                check_eq!((stats.in_use, stats.quarantined), (0, 0));
                check_eq!(stats.cached + stats.reserve, MAX);
                check_eq!(
                    (stats.hits + stats.misses) as u64,
                    counts.taken.load(Relaxed)
                );
                let mut all = KVec::with_capacity(MAX, GFP_KERNEL)?;
                while let Some(buffer) = Marked::take(&pool, &counts) {
                    all.push_within_capacity(buffer).map_err(|_| EINVAL)?;
                }
                check_eq!(all.len() + pool.stats().cached, MAX);
                check_eq!(counts.faults.load(Relaxed), 0);
            }
            Ok(())
        })
    }
}
