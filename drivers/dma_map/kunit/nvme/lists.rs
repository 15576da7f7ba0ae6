// SPDX-License-Identifier: GPL-2.0

//! [`lists`]: whose blocks they are, whatever the controller writes to them.

use super::{
    script::Held,
    PAGE,
    PAGE_SHIFT, //
};
use crate::{
    check::*,
    device_side,
    fixture::*,
    nvme::driver::protocol::{
        command::Pointer,
        ledger::Ledger,
        lists,
        prp, //
    }, //
};
use dma_map::{
    endian::Le,
    DmaPool,
    Gfp, //
};
use kernel::prelude::*;

const ROOM: usize = 4;

type Pool<'b> = DmaPool<'b, [Le<u64>; ROOM]>;

#[kunit_tests(dma_map_nvme_lists)]
mod tests {
    use super::*;

    /// C reads the links back, and so would free by what it finds there.
    #[test]
    fn what_the_controller_writes_to_the_lists_changes_nothing() -> Result {
        each_dma(ALL, |dma| {
            let pool = Pool::try_with(dma, c"nvme lists", 32, 0)?;
            let ledger = Ledger::new();
            for byte in [0, 0x40, 0xff] {
                let data = [(0x10_0000, 12 * PAGE)].into_iter();
                let held = Held::by_next(&ledger);
                let (pointer, lists) = prp::describe(data, PAGE_SHIFT, &pool, held, Gfp::Kernel)?;
                ledger.issue();
                let Pointer::Prp([_, mut list]) = pointer else {
                    return Err(EINVAL);
                };
                check_eq!(pool.outstanding(), lists::MAX);

                // The links are overwritten, too.
                for _ in 0..lists::MAX {
                    let mut entries = [0; ROOM * 8];
                    device_side::read(dma, list, &mut entries)?;
                    device_side::write(dma, list, &[byte; ROOM * 8])?;
                    let mut link = [0; 8];
                    link.copy_from_slice(&entries[(ROOM - 1) * 8..]);
                    list = u64::from_le_bytes(link);
                }
                ledger.end();
                drop(lists);
                check_eq!(pool.outstanding(), 0);
            }

            // The pool is whole: as many blocks as before, each one once.
            let mut blocks = KVec::new();
            for _ in 0..2 * lists::MAX {
                let block = dma_map::PoolBlock::zeroed(&pool, Gfp::Kernel)?;
                blocks.push(block.give(crate::engines::Idle), GFP_KERNEL)?;
            }
            for (i, block) in blocks.iter().enumerate() {
                let twice = blocks[..i]
                    .iter()
                    .any(|other| other.dma_address() == block.dma_address());
                check!(!twice);
            }
            Ok(())
        })
    }

    #[test]
    fn lists_of_a_command_that_was_not_sent_go_back() -> Result {
        each_dma(ALL, |dma| {
            let pool = Pool::try_with(dma, c"nvme lists", 32, 0)?;
            let ledger = Ledger::new();
            let data = [(0x10_0000, 12 * PAGE)].into_iter();
            let held = Held::by_next(&ledger);
            let (_, lists) = prp::describe(data, PAGE_SHIFT, &pool, held, Gfp::Kernel)?;
            drop(lists);
            check_eq!(pool.outstanding(), 0);
            Ok(())
        })
    }

    #[test]
    fn an_entry_that_fails_or_is_missing_takes_no_block() -> Result {
        each_dma(ALL, |dma| {
            let pool = Pool::try_with(dma, c"nvme lists", 32, 0)?;
            let link = |link: lists::Link| Le::<u64>::new(link.address);
            let idle = crate::engines::Idle;
            let good = || Ok(Le::<u64>::new(0));
            for (count, entries) in [
                (3, [Some(good()), Some(good()), None]),
                (2, [Some(good()), Some(good()), Some(good())]),
                (0, [None, None, None]),
                (3, [Some(good()), Some(Err(EINVAL)), Some(good())]),
            ] {
                let entries = entries.into_iter().flatten();
                let found = lists::build(&pool, idle, count, entries, link, Gfp::Kernel);
                check_err!(found.map(|_| ()), EINVAL);
                check_eq!(pool.outstanding(), 0);
            }
            Ok(())
        })
    }
}
