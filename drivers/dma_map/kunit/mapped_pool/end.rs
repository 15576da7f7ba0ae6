// SPDX-License-Identifier: GPL-2.0

//! End of a mapped pool: with all of its buffers back, and with some outstanding.

use super::*;
use crate::{
    c,
    engines::{
        Idle,
        Scripted, //
    },
    fixture::*, //
};
use kernel::{
    cpu::nr_cpu_ids,
    sync::Arc, //
};

/// Makes a pool that all CPUs have buffers of, and returns where one is.
fn used(dma: DmaDevice<'_>) -> Result<(Bytes<'_>, DmaAddress)> {
    let pool = pool(dma, 3000, MappedPoolOptions::new(64))?;
    for cpu in 0..nr_cpu_ids() {
        // Those that are offline have none.
        let _ = context::on_cpu(cpu, || pool.take().map(drop));
    }
    check!(pool.stats().cached > 0);
    let address = address(&pool.take()?);
    Ok((pool, address))
}

/// Returns whether the device does not reach `address`, where that can be told.
fn out_of_reach(probe: &Probe<'_, '_>, address: DmaAddress) -> bool {
    !c::strict_iommu(probe.device()) || c::dma_to_phys(probe.device(), address) == 0
}

/// Calls `drop_one` in each context that must not sleep, in turns.
fn anywhere(turn: usize, drop_one: impl FnOnce() + Send) -> Result {
    match turn % 3 {
        0 => context::spinlocked(drop_one),
        1 => context::irqs_off(drop_one).0,
        _ => context::hard_irq(drop_one)?,
    }
    Ok(())
}

#[kunit_tests(dma_map_mapped_pool_end)]
mod tests {
    use super::*;

    #[test]
    fn dropped_pool_is_out_of_the_devices_reach() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(LARGE)?;
            for _ in 0..3 {
                let (pool, address) = used(dma)?;
                check!(c::dma_to_phys(probe.device(), address) != 0);
                drop(pool);
                check!(out_of_reach(probe, address));
            }
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }

    #[test]
    fn buffers_outlive_their_pool() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(LARGE)?;
            let (pool, _) = used(dma)?;
            let engine = Scripted::busy();
            let (one, two, three) = (pool.take()?, pool.take()?, pool.take()?.give(&engine));
            let addresses = [address(&one), address(&two), three.dma_address()];
            drop(pool);

            let one = round_trip(one, Idle, 1)?;
            let two = round_trip(two, Idle, 2)?;
            check!(holds(&one, !1));
            drop(one);
            drop(three);
            check_eq!(engine.stopped(), 1);
            drop(round_trip(two, Idle, 3)?);

            // The last buffer that came back has freed all.
            check!(addresses.iter().all(|at| out_of_reach(probe, *at)));
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }

    /// misuse: drop-with-irqs-off/MappedPool, drop-with-irqs-off/MappedBuffer, pending-at-release
    #[test]
    fn drop_in_atomic_context_is_put_off_to_unbind() -> Result {
        each(|dev| {
            let mut addresses = KVec::new();
            dev.bind(|probe| {
                let dma = probe.dma(LARGE)?;
                for turn in 0..9 {
                    let (pool, address) = used(dma)?;
                    addresses.push(address, GFP_KERNEL)?;
                    let last = pool.take()?.give(Idle);
                    if turn % 2 == 0 {
                        anywhere(turn, || drop(pool))?;
                        anywhere(turn / 3, || drop(last))?;
                    } else {
                        // The last buffer ends what the pool has left.
                        drop(pool);
                        anywhere(turn / 3, || drop(last))?;
                    }
                }
                check_eq!(dma.quarantined(), 0);
                Ok(())
            })?;
            dev.unbind();

            // Nothing is mapped in a new binding.
            dev.bind(|probe| {
                let _ = probe.dma(LARGE)?;
                check!(addresses.iter().all(|at| out_of_reach(probe, *at)));
                Ok(())
            })
        })
    }

    /// misuse: unbind-with-live-handles/MappedPool, unbind-with-live-handles/MappedBuffer
    #[test]
    fn driver_data_is_freed_at_unbind() -> Result {
        let engine = Arc::new(Scripted::busy(), GFP_KERNEL)?;
        each(|dev| {
            for pool_first in [true, false] {
                engine.start();
                let before = engine.stopped();
                let mut places = KVec::new();
                dev.bind(|probe| {
                    let (pool, place) = used(probe.dma(LARGE)?)?;
                    places.push(place, GFP_KERNEL)?;
                    let one = pool.take()?.give(engine.clone());
                    places.push(one.dma_address(), GFP_KERNEL)?;
                    let two = pool.take()?;
                    if pool_first {
                        probe.keep(pool)?;
                        probe.keep((one, two))
                    } else {
                        probe.keep((one, two))?;
                        probe.keep(pool)
                    }
                })?;
                check_eq!(engine.stopped(), before);
                dev.unbind();
                check_eq!(engine.stopped(), before + 1);

                dev.bind(|probe| {
                    check_eq!(probe.dma(LARGE)?.quarantined(), 0);
                    check!(places.iter().all(|at| out_of_reach(probe, *at)));
                    Ok(())
                })?;
            }
            Ok(())
        })
    }

    #[test]
    fn pool_without_buffers_ends() -> Result {
        each_dma(LARGE, |dma| {
            for turn in 0..3 {
                let pool = pool(dma, 100, MappedPoolOptions::new(1000).prefill(0))?;
                anywhere(turn, || drop(pool))?;
            }
            drop(pool(dma, 100, MappedPoolOptions::new(1000).prefill(0))?);
            Ok(())
        })
    }
}
