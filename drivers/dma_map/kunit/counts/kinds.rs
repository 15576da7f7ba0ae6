// SPDX-License-Identifier: GPL-2.0

//! The lines of the kinds of handles.

use super::*;
use crate::engines::{
    Idle,
    Scripted, //
};
use dma_map::{
    mapping::with_mapped,
    Bidirectional,
    CoherentHandle,
    DmaCoherent,
    DmaNoncontiguous,
    DmaPages,
    DmaPool,
    FromDevice,
    Gfp,
    MapOptions,
    MappedPool,
    MappedPoolOptions,
    PoolBlock,
    ToDevice, //
};

/// Live, bytes, the most of both, and made.
type Row = [usize; 5];

fn buffer(len: usize) -> Result<KVec<u8>> {
    Ok(KVec::from_elem(0u8, len, GFP_KERNEL)?)
}

/// Checks that there is one handle of this kind, and none when `handle` is dropped.
fn one<H>(file: &File, name: &str, bytes: usize, handle: H) -> Result {
    check_eq!(file.row::<5>(name)?, [1, bytes, 1, bytes, 1]);
    check_eq!(file.row::<2>("all")?, [1, bytes]);
    drop(handle);
    check_eq!(file.row::<5>(name)?, [0, 0, 1, bytes, 1]);
    check_eq!(file.row::<2>("all")?, [0, 0]);
    Ok(())
}

#[kunit_tests(dma_map_counts_kinds)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_line() -> Result {
        each_counted(|dma, file| {
            one(file, "DmaCoherent", 5000, {
                DmaCoherent::<[u8]>::zeroed_slice(dma, 5000, Gfp::Kernel)?
            })?;
            let handle = CoherentHandle::alloc(dma, 300, Idle, Gfp::Kernel)?;
            one(file, "CoherentHandle", 300, handle)?;
            one(file, "DmaMapping", 512, {
                map_single(dma, buffer(512)?, ToDevice, Idle)?
            })?;
            one(file, "SgMapping", 9000, {
                map_sg(dma, buffer(9000)?, FromDevice, Idle)?
            })?;
            one(file, "IovaMapping", 8192, {
                map_iova(dma, buffer(8192)?, ToDevice, Idle)?
            })?;
            one(file, "DmaPages", 100, {
                DmaPages::<u8, _>::alloc(dma, 100, Bidirectional, Gfp::Kernel)?
            })?;
            one(file, "DmaNoncontiguous", 10_000, {
                DmaNoncontiguous::<u8, _>::alloc(dma, 10_000, FromDevice)?
            })?;
            let pool = DmaPool::<u64>::new(dma, c"count")?;
            one(file, "PoolBlock", 8, PoolBlock::zeroed(&pool, Gfp::Kernel)?)?;
            let options = MappedPoolOptions::new(4);
            let pool = MappedPool::<u8, _>::new(dma, c"count", 256, ToDevice, options)?;
            one(file, "MappedBuffer", 256, pool.take()?)
        })
    }

    #[test]
    fn borrowed_memory_is_live_while_it_is_mapped() -> Result {
        each_counted(|dma, file| {
            let mut memory = buffer(512)?;
            let options = MapOptions::new();
            with_mapped(dma, &mut memory[..], FromDevice, Idle, options, |_| {
                check_eq!(file.row::<5>("with_mapped")?, [1, 512, 1, 512, 1]);
                Ok(())
            })?;
            check_eq!(file.row::<5>("with_mapped")?, [0, 0, 1, 512, 1]);
            Ok(())
        })
    }

    #[test]
    fn transitions_leave_the_numbers() -> Result {
        each_counted(|dma, file| {
            let mapping = map_sg(dma, buffer(4096)?, Bidirectional, Idle)?;
            let row: Row = file.row("SgMapping")?;
            let mapping = mapping.complete()?.give(Idle);
            check_eq!(file.row("SgMapping")?, row);
            let addresses = mapping.into_addresses(Gfp::Kernel)?;
            check_eq!(file.row("SgMapping")?, row);
            let _buffer = addresses.unmap()?;
            check_eq!(file.row::<5>("SgMapping")?, [0, 0, 1, 4096, 1]);
            Ok(())
        })
    }

    #[test]
    fn failed_map_counts_nothing() -> Result {
        each_counted(|dma, file| {
            check!(map_sg(dma, buffer(0)?, ToDevice, Idle).is_err());
            check!(map_single(dma, buffer(2 << 20)?, ToDevice, Idle).is_err());
            check_eq!(file.row::<5>("all")?, [0; 5]);
            Ok(())
        })
    }

    #[test]
    fn most_stays_until_the_reset() -> Result {
        each_counted(|dma, file| {
            let block = |len| DmaCoherent::<[u8]>::zeroed_slice(dma, len, Gfp::Kernel);
            let (first, second) = (block(1000)?, block(24)?);
            drop(first);
            check_eq!(file.row::<5>("DmaCoherent")?, [1, 24, 2, 1024, 2]);
            let reset = open(dma, c"reset", bindings::O_WRONLY)?;
            check_eq!(reset.write_from_user(file.memory.at(0))?, 1);
            check_eq!(file.row::<5>("DmaCoherent")?, [1, 24, 1, 24, 2]);
            drop(second);
            check_eq!(file.row::<5>("all")?, [0, 0, 1, 24, 2]);
            Ok(())
        })
    }

    #[test]
    fn leaked_and_quarantined_handles() -> Result {
        let Some(_counting) = Counting::begin()? else {
            return Ok(());
        };
        where_it_is_given_back(|dev| {
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                let file = File::open(dma, c"handles")?;
                let engine = Scripted::stuck();
                let pool = DmaPool::<u64>::new(dma, c"count")?;
                core::mem::forget(PoolBlock::zeroed(&pool, Gfp::Kernel)?);
                check_eq!(file.row::<5>("PoolBlock")?, [1, 8, 1, 8, 1]);
                check_eq!(file.row::<2>("quarantined")?, [0, 0]);

                drop(PoolBlock::zeroed(&pool, Gfp::Kernel)?.give(&engine));
                check_eq!(file.row::<5>("PoolBlock")?, [1, 8, 2, 16, 2]);
                check_eq!(file.row::<2>("quarantined")?, [1, 8]);
                check_eq!(dma.quarantined(), 8);
                // The pool finds the leaked one.
                drop(pool);
                check_eq!(file.row::<2>("quarantined")?, [2, 16]);
                Ok(())
            })
        })
    }
}
