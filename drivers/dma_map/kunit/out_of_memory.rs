// SPDX-License-Identifier: GPL-2.0

//! Exhausted memory: an allocation of all of the machine's memory fails, and no process is killed.
//!
//! If the kernel kills one, it says so in the log, and the harness fails the run.

use crate::{
    c,
    check::*,
    fixture::*, //
};
use dma_map::{
    Bidirectional,
    DmaCoherent,
    DmaNoncontiguous,
    DmaPages,
    DmaPool,
    Gfp,
    MappedPool,
    MappedPoolOptions,
    PageList,
    PoolBlock,
    SgList, //
};
use kernel::{
    cpu::nr_cpu_ids,
    page::PAGE_SIZE,
    prelude::*,
    sizes::{
        SZ_1G,
        SZ_1M, //
    }, //
};

/// Makes values until there is no memory, or no room in `all`, which is more than the machine has.
///
/// The list is made beforehand: what it needs is not the library's affair.
fn exhaust<T>(mut all: KVec<T>, mut make: impl FnMut() -> Result<T>) -> Result<KVec<T>> {
    loop {
        match make() {
            Ok(value) => all.push_within_capacity(value).map_err(|_| E2BIG)?,
            Err(error) => {
                check_eq!(error, ENOMEM);
                return Ok(all);
            }
        }
    }
}

/// A list with room for as many pieces of `size` bytes as make twice of `memory`.
fn list<T>(memory: usize, size: usize) -> Result<KVec<T>> {
    Ok(KVec::with_capacity(2 * memory / size, GFP_KERNEL)?)
}

/// What [`fill`] leaves.
const LEFT: usize = 8 * SZ_1M;

/// Leaves some memory, and no more.
fn fill() -> Result<KVec<PageList>> {
    let mut all = exhaust(list(c::total_memory(), SZ_1M)?, || {
        PageList::zeroed(SZ_1M / PAGE_SIZE, Gfp::Kernel)
    })?;

    let left = LEFT / SZ_1M;
    check!(all.len() > left);
    all.truncate(all.len().saturating_sub(left));
    Ok(all)
}

/// Whether to run. The kernel takes long to give out, and to zero, much memory. And what runs on another
/// CPU meanwhile may need some, and call the OOM killer.
fn can_run() -> bool {
    let (small, alone) = (c::total_memory() <= SZ_1G, nr_cpu_ids() == 1);

    if !small {
        skip(c"too much memory");
    } else if !alone {
        skip(c"several CPUs");
    }
    small && alone
}

#[kunit_tests(dma_map_out_of_memory)]
mod tests {
    use super::*;

    #[test]
    fn more_pages_than_there_are_is_enomem() -> Result {
        if can_run() {
            let pages = c::total_memory() / PAGE_SIZE;
            check_err!(PageList::zeroed(pages, Gfp::Kernel).map(|_| ()), ENOMEM);
        }
        Ok(())
    }

    #[test]
    fn each_kind_of_memory_ends_with_enomem() -> Result {
        if !can_run() {
            return Ok(());
        }
        // Pieces of which the kernel makes more, rather than fail, if it may kill for them.
        const SIZE: usize = 8 * PAGE_SIZE;
        each_dma(ALL, |dma| {
            let pool = DmaPool::<[u8; SIZE]>::new(dma, c"out of memory")?;
            let options = MappedPoolOptions::new(c::total_memory() / SIZE);
            // For twice as much as is left, since the kernel gives a part of its reserve.
            let (pages, table) = (list(2 * LEFT, SIZE)?, list(2 * LEFT, SIZE)?);
            let (lists, blocks) = (list(2 * LEFT, SIZE)?, list(2 * LEFT, SIZE)?);
            let coherent = list(2 * LEFT, SIZE)?;
            let all = fill()?;

            drop(exhaust(pages, || {
                DmaPages::<u8, _>::alloc(dma, SIZE, Bidirectional, Gfp::Kernel)
            })?);
            drop(exhaust(lists, || {
                SgList::<KVec<u8>>::with_capacity(SIZE / size_of::<KVec<u8>>(), Gfp::Kernel)
            })?);
            // Behind an IOMMU, C has allocations of its own beside these.
            if c::dma_domain(dma.device()).is_none() {
                drop(exhaust(table, || {
                    DmaNoncontiguous::<u8, _>::alloc(dma, SIZE, Bidirectional)
                })?);
                drop(exhaust(coherent, || {
                    DmaCoherent::<[u8]>::zeroed_slice(dma, SIZE, Gfp::Kernel)
                })?);
                drop(exhaust(blocks, || PoolBlock::zeroed(&pool, Gfp::Kernel))?);
            }
            let buffers = MappedPool::<u8, _>::new(dma, c"kunit", SIZE, Bidirectional, options);
            check_err!(buffers.map(|_| ()), ENOMEM);
            drop(all);
            Ok(())
        })
    }
}
