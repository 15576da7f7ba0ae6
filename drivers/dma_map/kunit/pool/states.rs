// SPDX-License-Identifier: GPL-2.0

//! States of a pool block: what the device and the CPU see.

use super::*;
use crate::{
    device_side,
    engines::{
        Idle,
        Scripted, //
    },
    fixture::*, //
};
use kernel::io::{
    io_project,
    io_read,
    io_write,
    Io, //
};

#[kunit_tests(dma_map_pool_states)]
mod tests {
    use super::*;

    #[test]
    fn the_device_finds_the_block_at_its_address() -> Result {
        each_dma(ALL, |dma| {
            let pool = DmaPool::<[u8; 1000]>::new(dma, c"address")?;
            let mut all = KVec::new();
            for seed in 0..20 {
                let mut block = PoolBlock::zeroed(&pool, Gfp::Kernel)?;
                fill(&mut block, seed);
                all.push(block.give(Idle), GFP_KERNEL)?;
            }
            let mut found = KVec::from_elem(0, 1000, GFP_KERNEL)?;
            for (seed, block) in all.iter().enumerate() {
                device_side::read(dma, block.dma_address(), &mut found)?;
                for (i, byte) in found.iter().enumerate() {
                    check_eq!(*byte, pattern::at(seed as u8, i));
                }
            }
            Ok(())
        })
    }

    #[test]
    fn what_the_device_wrote_is_there_when_it_is_reclaimed() -> Result {
        each_dma(ALL, |dma| {
            let pool = DmaPool::<[u8; 1000]>::new(dma, c"complete")?;
            let mut data = [0; 1000];
            fill(&mut data, 9);
            let block = PoolBlock::zeroed(&pool, Gfp::Kernel)?.give(Idle);
            device_side::write(dma, block.dma_address(), &data)?;
            let block = block.complete()?;
            check!(holds(&block, 9));

            // Another round, at the same place.
            let block = block.give(Idle);
            device_side::write(dma, block.dma_address() + 999, &[1])?;
            check_eq!(block.complete()?[999], 1);
            Ok(())
        })
    }

    #[test]
    fn shared_blocks_are_read_and_written_by_field() -> Result {
        each_dma(ALL, |dma| {
            let pool = DmaPool::<Descriptor>::new(dma, c"fields")?;
            let block = PoolBlock::new(&pool, DESCRIPTOR, Gfp::Kernel)?.give(Idle);
            io_write!(&block, .len, 5);
            check_eq!(io_read!(&block, .len), 5);
            check_eq!(io_read!(&block, .next), DESCRIPTOR.next);

            let view = io_project!(&block, .flags);
            check_eq!(view.dma_address(), block.dma_address() + 12);
            device_side::write(dma, view.dma_address(), &[1, 0, 0, 0x80])?;
            check_eq!(view.read_val(), 0x8000_0001);

            let whole = block.view();
            check_eq!(whole.dma_address(), block.dma_address());
            check_eq!(whole.copy_read().flags, 0x8000_0001);
            Ok(())
        })
    }

    #[test]
    fn counted_blocks_have_the_same_states() -> Result {
        each_dma(ALL, |dma| {
            let pool = DmaPool::<Descriptor>::new(dma, c"counted")?;
            let pool = kernel::sync::Arc::new(pool, GFP_KERNEL)?;
            let engine = Scripted::idle();
            let block = PoolBlock::new(pool, DESCRIPTOR, Gfp::Kernel)?.give(&engine);
            io_write!(&block, .len, 1);
            let block = block.complete()?;
            check_eq!(block.len, 1);
            check_eq!((engine.asked(), engine.stopped()), (1, 0));
            Ok(())
        })
    }
}
