// SPDX-License-Identifier: GPL-2.0

//! Tag sets that are quiesced, and their own ends.

use super::{
    io::*,
    *, //
};
use crate::context::each_atomic;

#[kunit_tests(dma_map_blk_quiesce)]
mod tests {
    use super::*;

    #[test]
    fn quiesced_requests_wait() -> Result {
        each_disk(|shop, file| {
            let mut buffer = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
            let outer = shop.tags.quiesce();
            let inner = shop.tags.quiesce();
            let before = shop.script.requests.load(Relaxed);
            let io = file.start(READ, 0, &mut buffer)?;
            let io = io.check_pending();
            drop(outer);
            let io = io.and_then(|io| io.check_pending());
            let after = shop.script.requests.load(Relaxed);
            drop(inner);
            check_eq!(before, after);
            let io = io?;
            io.end()
        })
    }

    /// C warns of an end without a beginning: each queue counts.
    #[test]
    fn requests_of_a_disk_that_is_added_wait_too() -> Result {
        each_probe(|probe| {
            let (shop, _disk) = shop(probe, ALL, TagSetOptions::new(1, DEPTH), DISK)?;
            let other = name()?;
            let outer = shop.tags.quiesce();
            let inner = shop.tags.quiesce();
            // Without sectors there are no partitions to look for.
            let tags = shop.tags.clone();
            let empty = DiskOptions::new(0);
            let second = Disk::add(probe.core(), tags, fmt!("{}", &*other), 8, empty)?;
            second.set_capacity((SIZE / 512) as u64)?;

            let file = Opened::open(probe, &other)?;
            let mut buffer = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
            let before = shop.script.requests.load(Relaxed);
            let io = file.start(READ, 0, &mut buffer)?.check_pending();
            drop(outer);
            let io = io.and_then(|io| io.check_pending());
            let after = shop.script.requests.load(Relaxed);
            drop(inner);
            check_eq!(before, after);
            io?.end()?;
            drop(shop.tags.quiesce());
            file.run(READ, 0, &mut buffer)
        })
    }

    /// The end of the tag set's quiescing finds the queues that there are then.
    #[test]
    fn a_disk_may_come_and_go_while_requests_wait() -> Result {
        each_probe(|probe| {
            let (shop, _disk) = shop(probe, ALL, TagSetOptions::new(1, DEPTH), DISK)?;
            let mut disks = KVec::new();
            for _ in 0..4 {
                let (name, tags) = (name()?, shop.tags.clone());
                let empty = DiskOptions::new(0);
                let disk = Disk::add(probe.core(), tags, fmt!("{}", &*name), 8, empty)?;
                disks.push(disk, GFP_KERNEL)?;
            }
            let quiesced = shop.tags.quiesce();
            // One of the middle, the last one, and the one that was first.
            for at in [1, 2, 0, 0] {
                drop(disks.remove(at)?);
            }
            drop(quiesced);
            drop(shop.tags.quiesce());
            let file = Opened::open(probe, &shop.name)?;
            let mut buffer = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
            file.run(READ, 0, &mut buffer)
        })
    }

    #[test]
    fn a_disk_can_go_while_requests_wait() -> Result {
        each_probe(|probe| {
            let (shop, disk) = shop(probe, ALL, TagSetOptions::new(1, DEPTH), DISK)?;
            let quiesced = shop.tags.quiesce();
            drop(disk);
            drop(quiesced);
            Ok(())
        })
    }

    #[test]
    fn the_end_of_quiescing_may_be_anywhere() -> Result {
        each_disk(|shop, file| {
            let mut buffer = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
            let mut quiesced = KVec::new();
            for _ in 0..3 {
                quiesced.push(shop.tags.quiesce(), GFP_KERNEL)?;
            }
            each_atomic(&mut || {
                drop(quiesced.pop());
                Ok(())
            })?;
            check!(quiesced.is_empty());
            file.run(READ, 0, &mut buffer)
        })
    }

    /// An interrupt handler may have the last reference.
    #[test]
    fn the_end_of_a_tag_set_may_be_anywhere() -> Result {
        each_probe(|probe| {
            let gate = gate(probe, ALL, Script::new()?)?;
            for context in 0..3 {
                let mut tags = Some(TagSet::new(&gate, TagSetOptions::new(1, DEPTH))?);
                let mut turn = 0;
                each_atomic(&mut || {
                    if turn == context {
                        drop(tags.take());
                    }
                    turn += 1;
                    Ok(())
                })?;
                check!(tags.is_none());
            }
            Ok(())
        })
    }

    /// The engines of the contents speak of one request for each queue and tag.
    #[test]
    fn a_gate_has_one_tag_set() -> Result {
        each_probe(|probe| {
            let gate = gate(probe, ALL, Script::new()?)?;
            let make = || TagSet::new(&gate, TagSetOptions::new(1, DEPTH));
            let first = make()?;
            check_err!(make().map(|_| ()), EBUSY);
            check_err!(make().map(|_| ()), EBUSY);
            drop(first);
            make().map(|_| ())
        })
    }
}
