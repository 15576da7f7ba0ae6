// SPDX-License-Identifier: GPL-2.0

//! Blocks that a device keeps: quarantined or leaked.

use super::*;
use crate::{
    device_side,
    engines::Scripted,
    fixture::*, //
};
use core::mem::ManuallyDrop;

#[kunit_tests(dma_map_pool_free)]
mod tests {
    use super::*;

    #[test]
    fn stuck_device_keeps_the_block() -> Result {
        each_dma(ALL, |dma| {
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
    fn leaked_block_is_not_used_again() -> Result {
        each_dma(ALL, |dma| {
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
