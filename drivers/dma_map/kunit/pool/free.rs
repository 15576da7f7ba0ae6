// SPDX-License-Identifier: GPL-2.0

//! Drop of a pool block: calls of the engine, and blocks that a device keeps.

use super::*;
use crate::{
    context,
    device_side,
    engines::Scripted,
    fixture::*, //
};
use core::mem::ManuallyDrop;

#[kunit_tests(dma_map_pool_free)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_the_cpu_ask_nobody() -> Result {
        each_probe(|probe| {
            let pool = DmaPool::<Descriptor>::new(probe.dma(ALL)?, c"cpu")?;
            let engine = Scripted::stuck();
            drop(PoolBlock::zeroed(&pool, Gfp::Kernel)?);
            engine.finish();
            drop(
                PoolBlock::zeroed(&pool, Gfp::Kernel)?
                    .give(&engine)
                    .complete()?,
            );
            check_eq!((engine.asked(), engine.stopped()), (1, 0));
            check_eq!(pool.outstanding(), 0);
            Ok(())
        })
    }

    #[test]
    fn idle_device_is_not_stopped() -> Result {
        each_probe(|probe| {
            let pool = DmaPool::<Descriptor>::new(probe.dma(ALL)?, c"idle")?;
            let engine = Scripted::idle();
            drop(PoolBlock::zeroed(&pool, Gfp::Kernel)?.give(&engine));
            check_eq!((engine.asked(), engine.stopped()), (1, 0));
            check_eq!(pool.outstanding(), 0);
            Ok(())
        })
    }

    /// misuse: drop-with-irqs-off/PoolBlock
    #[test]
    fn busy_device_is_stopped_once_wherever_that_is() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let pool = DmaPool::<Descriptor>::new(dma, c"busy")?;
            let engine = Scripted::busy();
            let shared = || {
                engine.start();
                Ok::<_, Error>(PoolBlock::zeroed(&pool, Gfp::Kernel)?.give(&engine))
            };

            drop(shared()?);
            let block = shared()?;
            context::spinlocked(|| drop(block));
            let block = shared()?;
            context::irqs_off(|| drop(block));
            let block = shared()?;
            context::hard_irq(|| drop(block))?;

            check_eq!(engine.stopped(), 4);
            check_eq!(pool.outstanding(), 0);
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }

    #[test]
    fn stuck_device_keeps_the_block() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let pool = DmaPool::<[u8; 1000]>::new(dma, c"stuck")?;
            let engine = Scripted::stuck();
            let block = PoolBlock::zeroed(&pool, Gfp::Kernel)?.give(&engine);
            // SAFETY: The block is quarantined: leaked.
            let twin = unsafe { twin(&block) };
            drop(block);
            check_eq!(engine.stopped(), 1);
            check_eq!(dma.quarantined(), 1000);
            check_eq!(pool.outstanding(), 1);

            // The device still writes, and nobody else finds it.
            let mut data = [0; 1000];
            fill(&mut data, 0x77);
            device_side::write(dma, twin.dma_address(), &data)?;
            for _ in 0..20 {
                let mut other = PoolBlock::zeroed(&pool, Gfp::Kernel)?;
                check!(other.iter().all(|byte| *byte == 0));
                other.fill(1);
            }
            data.fill(0);
            device_side::read(dma, twin.dma_address(), &mut data)?;
            check!(holds(&data, 0x77));

            // So that nothing is left when the suites are done.
            engine.finish();
            drop(ManuallyDrop::into_inner(twin));
            check_eq!(pool.outstanding(), 0);
            Ok(())
        })
    }

    #[test]
    fn quarantine_works_in_atomic_context() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let pool = DmaPool::<[u8; 10]>::new(dma, c"atomic")?;
            let engine = Scripted::stuck();
            let mut twins = KVec::new();
            for i in 0..3 {
                let block = PoolBlock::zeroed(&pool, Gfp::Kernel)?.give(&engine);
                // SAFETY: The block is quarantined: leaked.
                twins.push(unsafe { twin(&block) }, GFP_KERNEL)?;
                match i {
                    0 => context::spinlocked(|| drop(block)),
                    1 => context::irqs_off(|| drop(block)).0,
                    _ => context::hard_irq(|| drop(block))?,
                }
            }
            check_eq!(dma.quarantined(), 30);
            check_eq!(pool.outstanding(), 3);

            engine.finish();
            while let Some(twin) = twins.pop() {
                drop(ManuallyDrop::into_inner(twin));
            }
            Ok(())
        })
    }

    #[test]
    fn leaked_block_is_not_used_again() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let pool = DmaPool::<[u8; 2000]>::new(dma, c"leaked")?;
            let engine = Scripted::busy();
            let block = PoolBlock::zeroed(&pool, Gfp::Kernel)?.give(&engine);
            let address = block.dma_address();
            // SAFETY: The block is leaked.
            let twin = unsafe { twin(&block) };
            core::mem::forget(block);
            check_eq!((engine.asked(), engine.stopped()), (0, 0));
            check_eq!(pool.outstanding(), 1);
            for _ in 0..10 {
                let other = PoolBlock::zeroed(&pool, Gfp::Kernel)?.give(&engine);
                check!(other.dma_address() != address);
            }
            drop(ManuallyDrop::into_inner(twin));
            Ok(())
        })
    }
}
