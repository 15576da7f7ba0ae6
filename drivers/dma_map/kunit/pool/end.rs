// SPDX-License-Identifier: GPL-2.0

//! Drop of a pool: legal contexts, and pools with blocks outstanding.

use super::*;
use crate::{
    c,
    context,
    device_side,
    engines::{
        Idle,
        Scripted, //
    },
    fixture::*, //
};
use core::mem::ManuallyDrop;
use kernel::{
    dma::DmaAddress,
    sync::Arc, //
};

type Page = [u8; PAGE_SIZE];

/// Makes a pool that has a page, and returns the page's address.
fn used(dma: DmaDevice<'_>) -> Result<(DmaPool<'_, Page>, DmaAddress)> {
    let pool = DmaPool::<Page>::new(dma, c"used")?;
    let address = {
        let block = PoolBlock::zeroed(&pool, Gfp::Kernel)?.give(Idle);
        device_side::write(dma, block.dma_address(), &[1])?;
        block.dma_address()
    };
    Ok((pool, address))
}

/// Drops a copy of a pool that has blocks outstanding: that counts, and leaves all as it is.
fn drop_copy<T>(pool: &DmaPool<'_, T>) -> Result {
    check!(pool.outstanding() > 0);
    // SAFETY: The drop of a pool with blocks outstanding leaks what it is made of, so that the
    // original is as good as before.
    drop(unsafe { core::ptr::read(pool) });
    Ok(())
}

#[kunit_tests(dma_map_pool_end)]
mod tests {
    use super::*;

    #[test]
    fn destroyed_pool_is_out_of_the_devices_reach() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let (pool, address) = used(dma)?;
            drop(pool);
            if c::strict_iommu(probe.device()) {
                check_err!(device_side::write(dma, address, &[1]), EFAULT);
            }
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }

    /// misuse: drop-with-irqs-off/DmaPool, pending-at-release
    #[test]
    fn drop_in_atomic_context_is_put_off_to_unbind() -> Result {
        each(|dev| {
            let mut addresses = KVec::new();
            let mut strict = false;
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                strict = c::strict_iommu(probe.device());
                for i in 0..30 {
                    let (pool, address) = used(dma)?;
                    addresses.push(address, GFP_KERNEL)?;
                    match i % 3 {
                        0 => context::spinlocked(|| drop(pool)),
                        1 => context::irqs_off(|| drop(pool)).0,
                        _ => context::hard_irq(|| drop(pool))?,
                    }
                }
                check_eq!(dma.quarantined(), 0);
                Ok(())
            })?;
            dev.unbind();

            // Nothing is mapped in a new binding.
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                for address in &addresses {
                    if strict {
                        check_err!(device_side::write(dma, *address, &[1]), EFAULT);
                    }
                }
                Ok(())
            })
        })
    }

    /// misuse: drop-with-irqs-off/PoolBlock
    #[test]
    fn last_block_in_atomic_context_ends_the_pool() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            for i in 0..9 {
                let pool = Arc::new(DmaPool::<Descriptor>::new(dma, c"last")?, GFP_KERNEL)?;
                let block = PoolBlock::zeroed(pool, Gfp::Kernel)?.give(&engine);
                match i % 3 {
                    0 => context::spinlocked(|| drop(block)),
                    1 => context::irqs_off(|| drop(block)).0,
                    _ => context::hard_irq(|| drop(block))?,
                }
            }
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }

    /// misuse: unbind-with-live-handles/DmaPool, unbind-with-live-handles/PoolBlock
    #[test]
    fn driver_data_is_freed_at_unbind() -> Result {
        let engine = Arc::new(Scripted::busy(), GFP_KERNEL)?;
        each(|dev| {
            engine.start();
            let before = engine.stopped();
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                let pool = Arc::new(DmaPool::<Descriptor>::new(dma, c"data")?, GFP_KERNEL)?;
                let shared = PoolBlock::zeroed(pool.clone(), Gfp::Kernel)?;
                let exclusive = PoolBlock::zeroed(pool.clone(), Gfp::Kernel)?;
                probe.keep(pool)?;
                probe.keep(shared.give(engine.clone()))?;
                probe.keep(exclusive)
            })?;
            check_eq!(engine.stopped(), before);
            dev.unbind();
            check_eq!(engine.stopped(), before + 1);
            Ok(())
        })
    }

    /// misuse: pool-before-blocks
    #[test]
    fn leaked_blocks_are_counted_and_the_pool_stays() -> Result {
        each_dma(ALL, |dma| {
            let pool = DmaPool::<[u8; 1000]>::new(dma, c"leaked")?;
            let mut leaked = KVec::new();
            for _ in 0..3 {
                let block = PoolBlock::zeroed(&pool, Gfp::Kernel)?.give(Idle);
                leaked.push(ManuallyDrop::new(block), GFP_KERNEL)?;
            }
            check_eq!(dma.quarantined(), 0);
            drop_copy(&pool)?;
            check_eq!(dma.quarantined(), 3000);

            // A device that knows a leaked address does no harm.
            for block in &leaked {
                device_side::write(dma, block.dma_address(), &[0xff; 1000])?;
            }
            for _ in 0..10 {
                let other = PoolBlock::zeroed(&pool, Gfp::Kernel)?;
                check!(other.iter().all(|byte| *byte == 0));
            }

            while let Some(block) = leaked.pop() {
                drop(ManuallyDrop::into_inner(block));
            }
            Ok(())
        })
    }

    #[test]
    fn quarantined_blocks_are_counted_once() -> Result {
        each_dma(ALL, |dma| {
            let pool = DmaPool::<[u8; 100]>::new(dma, c"once")?;
            let engine = Scripted::stuck();
            let block = PoolBlock::zeroed(&pool, Gfp::Kernel)?.give(&engine);
            // SAFETY: The block is quarantined: leaked.
            let twin = unsafe { twin(&block) };
            drop(block);
            check_eq!(dma.quarantined(), 100);
            drop_copy(&pool)?;
            check_eq!(dma.quarantined(), 100);

            let leaked = ManuallyDrop::new(PoolBlock::zeroed(&pool, Gfp::Kernel)?);
            drop_copy(&pool)?;
            check_eq!(dma.quarantined(), 200);

            engine.finish();
            drop(ManuallyDrop::into_inner(twin));
            drop(ManuallyDrop::into_inner(leaked));
            Ok(())
        })
    }

    #[test]
    fn pool_with_leaked_blocks_is_left_in_atomic_context_too() -> Result {
        each_dma(ALL, |dma| {
            let pool = DmaPool::<u64>::new(dma, c"atomic")?;
            let leaked = ManuallyDrop::new(PoolBlock::zeroed(&pool, Gfp::Kernel)?);
            context::each_atomic(&mut || drop_copy(&pool))?;
            check_eq!(dma.quarantined(), 24);
            drop(ManuallyDrop::into_inner(leaked));
            Ok(())
        })
    }

    #[test]
    fn leaked_pool_outlives_its_binding_without_harm() -> Result {
        // A pool without pages, so that DMA debugging has nothing to complain of.
        each(|dev| {
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                core::mem::forget(DmaPool::<Descriptor>::new(dma, c"forgotten")?);
                let pool = DmaPool::<Descriptor>::new(dma, c"beside")?;
                PoolBlock::zeroed(&pool, Gfp::Kernel).map(|_| ())
            })?;
            dev.unbind();
            dev.bind(|probe| {
                let pool = DmaPool::<Descriptor>::new(probe.dma(ALL)?, c"after")?;
                PoolBlock::zeroed(&pool, Gfp::Kernel).map(|_| ())
            })
        })
    }
}
