// SPDX-License-Identifier: GPL-2.0

//! The ways in which handles end: each takes from the counts what the handle put there.

use super::*;
use crate::{
    context,
    engines::{
        Idle,
        Scripted, //
    }, //
};
use dma_map::{
    mapping::{
        MmioMapping,
        MmioWindow, //
    },
    Bidirectional,
    DmaCoherent,
    DmaPages,
    DmaPool,
    FromDevice,
    Gfp,
    MappedPool,
    MappedPoolOptions,
    Mmap,
    PoolBlock,
    ToDevice,
    Transfer, //
};
use kernel::{
    page::PAGE_SIZE,
    sync::Arc, //
};

fn buffer(len: usize) -> Result<KVec<u8>> {
    Ok(KVec::from_elem(0u8, len, GFP_KERNEL)?)
}

/// Checks how many handles are live, how many were made, and that their bytes fit.
fn check_all(file: &File, live: usize, made: usize) -> Result {
    let [now, bytes, _, _, all] = file.row::<5>("all")?;
    check_eq!((now, all), (live, made));
    check_eq!(bytes == 0, live == 0);
    Ok(())
}

#[kunit_tests(dma_map_counts_ends)]
mod tests {
    use super::*;

    #[test]
    fn drop_in_each_context() -> Result {
        each_counted(|dma, file| {
            let pool = DmaPool::<u64>::new(dma, c"count")?;
            let mut made = 0;
            for context in 0..4 {
                let coherent = DmaCoherent::<[u8]>::zeroed_slice(dma, 5000, Gfp::Kernel)?;
                let pages = DmaPages::<u8, _>::alloc(dma, PAGE_SIZE, Bidirectional, Gfp::Kernel)?;
                let all = (
                    coherent.give(Idle),
                    Mmap::new(pages.give(Idle))?,
                    PoolBlock::zeroed(&pool, Gfp::Kernel)?,
                    map_single(dma, buffer(512)?, FromDevice, Idle)?,
                    map_sg(dma, buffer(9000)?, ToDevice, Idle)?,
                    map_iova(dma, buffer(8192)?, Bidirectional, Idle)?.complete()?,
                );
                made += 6;
                check_all(file, 6, made)?;
                match context {
                    0 => drop(all),
                    1 => context::spinlocked(|| drop(all)),
                    2 => context::irqs_off(|| drop(all)).0,
                    _ => context::hard_irq(|| drop(all))?,
                }
                check_all(file, 0, made)?;
            }
            Ok(())
        })
    }

    #[test]
    fn end_of_a_transfer() -> Result {
        each_counted(|dma, file| {
            let engine = Scripted::busy();
            let pair = || -> Result<_> {
                Ok((
                    map_single(dma, buffer(512)?, FromDevice, &engine)?,
                    map_sg(dma, buffer(9000)?, FromDevice, &engine)?,
                ))
            };
            drop(Transfer::start(pair()?, |_| Ok(())).map_err(|failed| failed.error)?);
            check_all(file, 0, 2)?;
            drop(
                Transfer::start(pair()?, |_| Err(ENOSPC))
                    .err()
                    .ok_or(EINVAL)?,
            );
            check_all(file, 0, 4)?;
            let transfer = Transfer::start(pair()?, |_| Ok(())).map_err(|failed| failed.error)?;
            engine.finish();
            let done = transfer.complete().map_err(|_| EBUSY)?;
            check_all(file, 2, 6)?;
            drop(done);
            check_all(file, 0, 6)
        })
    }

    #[test]
    fn last_reference_ends_the_handle() -> Result {
        each_counted(|dma, file| {
            let pool = Arc::new(DmaPool::<u64>::new(dma, c"count")?, GFP_KERNEL)?;
            let block = PoolBlock::zeroed(pool.clone(), Gfp::Kernel)?;
            let block = Arc::new(block.give(Idle), GFP_KERNEL)?;
            let other = block.clone();
            drop((pool, block));
            check_all(file, 1, 1)?;
            drop(other);
            check_all(file, 0, 1)
        })
    }

    #[test]
    fn buffers_outlive_their_pool() -> Result {
        each_counted(|dma, file| {
            let options = MappedPoolOptions::new(4);
            let pool = MappedPool::<u8, _>::new(dma, c"count", 256, ToDevice, options)?;
            let (first, second) = (pool.take()?, pool.take()?.give(Idle));
            drop(pool);
            check_all(file, 2, 2)?;
            drop(first);
            check_all(file, 1, 2)?;
            context::hard_irq(|| drop(second))?;
            check_all(file, 0, 2)
        })
    }

    #[test]
    fn other_device_is_not_counted() -> Result {
        let other = TestDevice::another()?;
        other.bind(|probe| {
            // Bound before, and so not counted.
            let uncounted = probe.dma(LARGE)?;
            each_counted(|dma, file| {
                let stranger = map_sg(uncounted, buffer(9000)?, ToDevice, Idle)?;
                let own = map_sg(dma, buffer(9000)?, ToDevice, Idle)?;
                check_all(file, 1, 1)?;
                drop(stranger);
                check_all(file, 1, 1)?;
                drop(own);
                check_all(file, 0, 1)
            })
        })
    }

    #[test]
    fn window_of_the_device() -> Result {
        let Some(_counting) = Counting::begin()? else {
            return Ok(());
        };
        on_pci(|dev| {
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                let file = File::open(dma, c"handles")?;
                let core = probe.pci().ok_or(ENODEV)?;
                let window = MmioWindow::of_bar(core, 0)?;
                let bytes = window.len() as usize;
                let mapping = match MmioMapping::map(dma, window, Bidirectional, Idle) {
                    // Under `swiotlb=force`.
                    Err(err) if err == EIO => return check_all(&file, 0, 0),
                    mapping => mapping?,
                };
                check_eq!(file.row("MmioMapping")?, [1, bytes, 1, bytes, 1]);
                mapping.unmap()?;
                check_eq!(file.row("MmioMapping")?, [0, 0, 1, bytes, 1]);
                Ok(())
            })
        })
    }

    #[test]
    fn quarantined_handle_ends() -> Result {
        let Some(_counting) = Counting::begin()? else {
            return Ok(());
        };
        where_it_is_given_back(|dev| {
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                let file = File::open(dma, c"handles")?;
                let engine = Scripted::stuck();
                for (round, atomic) in [(0, false), (1, true)] {
                    let coherent = DmaCoherent::<[u8]>::zeroed_slice(dma, 5000, Gfp::Kernel)?;
                    let pages =
                        DmaPages::<u8, _>::alloc(dma, PAGE_SIZE, Bidirectional, Gfp::Kernel)?;
                    let all = (
                        coherent.give(&engine),
                        Mmap::new(pages.give(&engine))?,
                        map_single(dma, buffer(512)?, FromDevice, &engine)?,
                        map_sg(dma, buffer(9000)?, ToDevice, &engine)?,
                        map_iova(dma, buffer(8192)?, Bidirectional, &engine)?,
                    );
                    if atomic {
                        context::irqs_off(|| drop(all));
                    } else {
                        drop(all);
                    }
                    check_all(&file, 0, 5 * (round + 1))?;
                    let bytes = (round + 1) * (5000 + PAGE_SIZE + 512 + 9000 + 8192);
                    check_eq!(file.row("quarantined")?, [5 * (round + 1), bytes]);
                    check_eq!(dma.quarantined(), bytes);
                }
                Ok(())
            })
        })
    }
}
