// SPDX-License-Identifier: GPL-2.0

//! Constructors of a mapped pool: where its buffers are, what they hold, and what is refused.

use super::*;
use crate::{
    c,
    engines::Idle,
    faults,
    fixture::*, //
};
use dma_map::{
    FromDevice,
    ToDevice, //
};
use kernel::page::PAGE_SIZE;

const LENGTHS: [usize; 9] = [1, 63, 64, 65, 1500, 2048, PAGE_SIZE, PAGE_SIZE + 1, 40_000];

#[kunit_tests(dma_map_mapped_pool_create)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_apart_and_hold_zeroes() -> Result {
        each_dma(LARGE, |dma| {
            for len in LENGTHS {
                let pool = pool(dma, len, MappedPoolOptions::new(9))?;
                check_eq!(pool.buffer_len(), len);
                let all = several(&pool, 9)?;
                for (i, one) in all.iter().enumerate() {
                    check_eq!((one.len(), one.size()), (len, len));
                    check!(one.as_slice().iter().all(|byte| *byte == 0));
                    let cpu = one.as_slice().as_ptr().addr();
                    let at = address(one);
                    check!(cpu % 64 == 0 && at % 64 == 0);
                    check_eq!(cpu % PAGE_SIZE, at as usize % PAGE_SIZE);
                    if len <= PAGE_SIZE {
                        check_eq!(at / 4096, (at + len as u64 - 1) / 4096);
                    }
                    for other in &all[i + 1..] {
                        check!(at.abs_diff(address(other)) >= len as u64, "two overlap");
                    }
                }
            }
            Ok(())
        })
    }

    #[test]
    fn elements_are_aligned() -> Result {
        #[repr(C, align(512))]
        #[derive(FromBytes, IntoBytes)]
        struct Block([u8; 512]);

        each_dma(LARGE, |dma| {
            let pool = MappedPool::<Block, _>::new(
                dma,
                c"aligned",
                3,
                Bidirectional,
                MappedPoolOptions::new(5),
            )?;
            for _ in 0..5 {
                let buffer = pool.take()?;
                check_eq!((buffer.len(), buffer.size()), (3, 1536));
                check!(buffer.as_slice().as_ptr().addr() % 512 == 0);
                check!(buffer.as_slice()[2].0.iter().all(|byte| *byte == 0));
            }
            Ok(())
        })
    }

    #[test]
    fn data_goes_to_the_device_and_back_and_again() -> Result {
        each_dma(LARGE, |dma| {
            for len in LENGTHS {
                let pool = pool(dma, len, MappedPoolOptions::new(4))?;
                let mut kept = pool.take()?;
                for seed in 1..6 {
                    kept = round_trip(kept, Idle, seed)?;
                    drop(round_trip(pool.take()?, Idle, 0x40 + seed)?);
                    check!(holds(&kept, !seed), "buffers do not share memory");
                }
            }
            Ok(())
        })
    }

    #[test]
    fn one_way_directions_work() -> Result {
        each_dma(LARGE, |dma| {
            let options = MappedPoolOptions::new(2);
            let to = MappedPool::<u32, _>::new(dma, c"to", 100, ToDevice, options)?;
            let from = MappedPool::<u32, _>::new(dma, c"from", 100, FromDevice, options)?;
            for round in 1..4 {
                let mut buffer = to.take()?;
                buffer.as_mut_slice()[99] = 0x0403_0200 + round;
                let buffer = buffer.give(Idle);
                let mut found = [0; 4];
                device_side::read(dma, buffer.dma_address() + 396, &mut found)?;
                check_eq!(found, [round as u8, 2, 3, 4]);

                let buffer = from.take()?.give(Idle);
                device_side::write(dma, buffer.dma_address() + 396, &[round as u8, 2, 3, 4])?;
                check_eq!(buffer.complete()?.as_slice()[99], 0x0403_0200 + round);
            }
            Ok(())
        })
    }

    #[test]
    fn buffer_that_is_taken_again_holds_what_was_left_in_it() -> Result {
        each_dma(LARGE, |dma| {
            let pool = pool(dma, 500, MappedPoolOptions::new(1))?;
            let mut buffer = pool.take()?;
            write(&mut buffer, 1);
            drop(buffer);
            let buffer = pool.take()?;
            check!(holds(&buffer, 1), "what the CPU left");
            let buffer = buffer.give(Idle);
            fill(&buffer, 2)?;
            // Dropped by who could have read it.
            drop(buffer);
            check!(holds(&pool.take()?, 2), "what the device left");
            Ok(())
        })
    }

    #[test]
    fn what_is_no_buffer_is_einval() -> Result {
        each(|dev| {
            for limits in [LARGE.max_segment_size(8192), LARGE.segment_boundary(0x1fff)] {
                dev.bind(|probe| {
                    let dma = probe.dma(limits)?;
                    let two = MappedPoolOptions::new(2);
                    for len in [0, 8193, 1 << 20, usize::MAX] {
                        check_err!(pool(dma, len, two), EINVAL);
                    }
                    let words = MappedPool::<u64, _>::new;
                    check_err!(
                        words(dma, c"kunit", usize::MAX / 8 + 1, Bidirectional, two),
                        EINVAL
                    );
                    check_err!(pool(dma, 100, MappedPoolOptions::new(0)), EINVAL);
                    check_err!(pool(dma, 100, two.node(1)), EINVAL);
                    check_err!(pool(dma, 100, two.node(u32::MAX)), EINVAL);
                    for len in [4096, 4097, 8191, 8192] {
                        let first = address(&pool(dma, len, two)?.take()?);
                        check_eq!((first ^ (first + len as u64 - 1)) & !0x1fff, 0);
                    }
                    Ok(())
                })?;
            }
            Ok(())
        })
    }

    #[test]
    fn more_than_the_machine_has_is_enomem() -> Result {
        each_dma(LARGE, |dma| {
            for max in [c::total_memory() / 4096 + 1, usize::MAX] {
                check_err!(pool(dma, 4096, MappedPoolOptions::new(max)), ENOMEM);
            }
            Ok(())
        })
    }

    #[test]
    fn each_allocation_that_fails_is_enomem() -> Result {
        each_dma(LARGE, |dma| {
            faults::each_is_enomem(|| pool(dma, 5000, MappedPoolOptions::new(3)))?;
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }

    #[test]
    fn memory_is_on_the_node_that_was_asked_for() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(LARGE)?;
            for len in [100, 2048, 5000] {
                let options = MappedPoolOptions::new(3).node(0);
                let pool = match pool(dma, len, options) {
                    // Out of reach, and so is the bounce pool.
                    Err(err) if err == EIO => continue,
                    pool => pool?,
                };
                for seed in 1..4 {
                    let buffer = round_trip(pool.take()?, Idle, seed)?;
                    check_eq!(c::node_of(buffer.as_slice().as_ptr()), 0);
                }
                let address = address(&pool.take()?);
                drop(pool);
                if c::strict_iommu(probe.device()) {
                    check_eq!(c::dma_to_phys(probe.device(), address), 0);
                }
            }
            Ok(())
        })
    }
}
