// SPDX-License-Identifier: GPL-2.0

//! Options of tag sets and disks, and the limits that follow from the device.

use super::{
    io::*,
    *, //
};

#[kunit_tests(dma_map_blk_options)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_those_of_the_device() -> Result {
        each_probe(|probe| {
            let limits = ALL.max_segment_size(8192).segment_boundary(0xffff);
            let options = DISK
                .logical_block_size(1024)
                .physical_block_size(4096)
                .max_bytes(64 << 10)
                .dma_alignment(3)
                .virt_boundary(4095);
            let (shop, _disk) = shop(
                probe,
                limits,
                TagSetOptions::new(1, DEPTH).max_segments(5),
                options,
            )?;
            let file = Opened::open(probe, &shop.name)?;
            let found = file.limits();
            check_eq!(found.logical_block_size, 1024);
            check_eq!(found.physical_block_size, 4096);
            check_eq!(found.max_hw_sectors, 128);
            check_eq!(found.max_segments, 5);
            // Behind an IOMMU the pieces alone keep these two.
            let inside = shop.gate.try_access().ok_or(ENODEV)?;
            let (segment, boundary) = match inside.with(|shelf| shelf.dma.merge_boundary()) {
                0 => (8192, 0xffff),
                _ => (u32::MAX, c_ulong::MAX),
            };
            check_eq!(found.max_segment_size, segment);
            check_eq!(found.seg_boundary_mask, boundary);
            check_eq!(found.virt_boundary_mask, 4095);
            check_eq!(found.dma_alignment, 3);
            check_eq!(found.features & 3, 0);
            check_eq!(found.max_discard_sectors, 0);
            check_eq!(found.max_write_zeroes_sectors, 0);
            Ok(())
        })
    }

    #[test]
    fn a_request_is_no_larger_than_a_mapping() -> Result {
        each_probe(|probe| {
            let (shop, _disk) = shop(probe, LARGE, TagSetOptions::new(1, DEPTH), DISK)?;
            let file = Opened::open(probe, &shop.name)?;
            let inside = shop.gate.try_access().ok_or(ENODEV)?;
            let most = inside.with(|shelf| {
                shelf
                    .dma
                    .max_mapping_size()
                    .min(shelf.dma.opt_mapping_size())
                    .min(u32::MAX as usize)
            });
            check_eq!(file.limits().max_hw_sectors as usize, most / 512);
            Ok(())
        })
    }

    #[test]
    fn operations_without_data_arrive() -> Result {
        each_probe(|probe| {
            let options = DISK.fua().discard(64, 4096).write_zeroes(128).rotational();
            let (shop, _disk) = shop(probe, ALL, TagSetOptions::new(1, DEPTH), options)?;
            let file = Opened::open(probe, &shop.name)?;
            let seen = || *shop.script.seen.lock();
            let mut buffer = KVec::from_elem(7u8, 4096, GFP_KERNEL)?;

            file.run(WRITE | FUA, 8, &mut buffer)?;
            check_eq!(seen(), Some((Operation::Write, 8, 4096, true)));
            file.without_data(WRITE | PREFLUSH, 0, 0)?;
            check_eq!(seen().map(|seen| seen.0), Some(Operation::Flush));
            file.without_data(WRITE_ZEROES, 8, 4096)?;
            check_eq!(seen(), Some((Operation::WriteZeroes, 8, 4096, false)));
            file.run(READ, 8, &mut buffer)?;
            check_eq!(buffer[4095], 0);
            file.without_data(DISCARD, 16, 8192)?;
            check_eq!(seen(), Some((Operation::Discard, 16, 8192, false)));

            let limits = file.limits();
            check_eq!(limits.max_discard_sectors, 64);
            check_eq!(limits.discard_granularity, 4096);
            check_eq!(limits.max_write_zeroes_sectors, 128);
            check_eq!(limits.features & 7, 7);
            Ok(())
        })
    }

    #[test]
    fn a_disk_without_them_refuses_them() -> Result {
        each_disk(|shop, file| {
            let before = shop.script.requests.load(Relaxed);
            check_err!(file.without_data(DISCARD, 0, 4096), EOPNOTSUPP);
            check_err!(file.without_data(WRITE_ZEROES, 0, 4096), EOPNOTSUPP);
            file.without_data(WRITE | PREFLUSH, 0, 0)?;
            check_eq!(shop.script.requests.load(Relaxed), before);
            Ok(())
        })
    }

    #[test]
    fn beyond_the_end_is_eio() -> Result {
        each_disk(|_, file| {
            let mut buffer = KVec::from_elem(0u8, 4096, GFP_KERNEL)?;
            check_err!(file.run(READ, SIZE as u64 / 512 - 7, &mut buffer), EIO);
            Ok(())
        })
    }

    #[test]
    fn bad_options_are_einval() -> Result {
        each_probe(|probe| {
            let script = Script::new()?;
            let gate = gate(probe, ALL, script)?;
            for options in [
                TagSetOptions::new(0, 1),
                TagSetOptions::new(1, 0),
                TagSetOptions::new(1, 10241),
                TagSetOptions::new(1, 1).max_segments(0),
                TagSetOptions::new(1, 1).poll_queues(1),
                TagSetOptions::new(1, 1).poll_queues(u32::MAX),
            ] {
                check_err!(TagSet::new(&gate, options).map(|_| ()), EINVAL);
            }
            let tags = TagSet::new(&gate, TagSetOptions::new(1, 1))?;
            let add = |name: &CStr, options| {
                Disk::add(probe.core(), tags.clone(), fmt!("{}", name), 7, options).map(|_| ())
            };
            for options in [
                DISK.logical_block_size(0),
                DISK.logical_block_size(256),
                DISK.logical_block_size(513),
                DISK.logical_block_size(1 << 17),
                DISK.physical_block_size(0),
                DISK.physical_block_size(4095),
                DISK.max_bytes(0),
                DISK.max_bytes(4095),
                DISK.dma_alignment(1 << 20),
                // No whole blocks.
                DiskOptions::new(7).logical_block_size(1024),
                DiskOptions::new(9).logical_block_size(4096),
                // C would not split these.
                DISK.discard(1, 4096),
                DISK.discard(7, 4096),
                DISK.discard(7, 512).physical_block_size(4096),
                DISK.discard(64, 0),
                DISK.discard(64, 256),
                DISK.discard(64, 513),
                DISK.discard(64, 512).logical_block_size(1024),
                DISK.discard(u32::MAX, 1 << 31),
                DISK.write_zeroes(1).logical_block_size(1024),
            ] {
                check_err!(add(&name()?, options), EINVAL);
            }
            check_err!(add(c"", DISK), EINVAL);
            check_err!(add(c"a-name-that-is-too-long-for-disks", DISK), EINVAL);
            add(&name()?, DISK)
        })
    }

    #[test]
    fn segments_without_a_page_are_einval() -> Result {
        each_probe(|probe| {
            let limits = ALL.max_segment_size(2048);
            let result = shop(probe, limits, TagSetOptions::new(1, DEPTH), DISK);
            check_err!(result.map(|_| ()), EINVAL);
            Ok(())
        })
    }

    #[test]
    fn a_gate_of_another_device_is_enodev() -> Result {
        let other = TestDevice::another()?;
        let mut tags = None;
        other.bind(|probe| {
            let gate = gate(probe, ALL, Script::new()?)?;
            tags = Some(TagSet::new(&gate, TagSetOptions::new(1, DEPTH))?);
            Ok(())
        })?;
        let tags = tags.ok_or(EINVAL)?;
        let add = |probe: &Probe<'_, '_>| {
            let name = name()?;
            Disk::add(probe.core(), tags.clone(), fmt!("{}", &*name), 7, DISK).map(|_| ())
        };
        each_probe(|probe| {
            check_err!(add(probe), ENODEV);
            Ok(())
        })?;

        // Nor in a later binding of the same one.
        other.unbind();
        other.bind(|probe| {
            check_err!(add(probe), ENODEV);
            Ok(())
        })
    }

    #[test]
    fn a_capacity_is_whole_blocks() -> Result {
        each_probe(|probe| {
            let options = DISK.logical_block_size(4096);
            let (_shop, disk) = shop(probe, ALL, TagSetOptions::new(1, DEPTH), options)?;
            for sectors in [1, 7, 9, u64::MAX] {
                check_err!(disk.set_capacity(sectors), EINVAL);
            }
            disk.set_capacity(8)
        })
    }

    #[test]
    fn there_are_no_more_queues_than_cpus() -> Result {
        each(|dev| {
            for queues in [64, 1 << 20, u32::MAX] {
                dev.bind(|probe| {
                    let tags = TagSetOptions::new(queues, 2);
                    let (shop, _disk) = shop(probe, ALL, tags, DISK)?;
                    let file = Opened::open(probe, &shop.name)?;
                    file.run(READ, 0, &mut KVec::from_elem(0u8, 512, GFP_KERNEL)?)
                })?;
                dev.unbind();
            }
            Ok(())
        })
    }

    /// C warns of a vector that a device does not have. The queues are there nonetheless.
    #[test]
    fn queues_without_vectors_work() -> Result {
        each(|dev| {
            for first in [0, 1, 9999, i32::MAX as u32, u32::MAX] {
                dev.bind(|probe| {
                    let tags = TagSetOptions::new(8, 4).interrupt_affinity(first);
                    let (shop, _disk) = shop(probe, ALL, tags, DISK)?;
                    let file = Opened::open(probe, &shop.name)?;
                    file.run(READ, 0, &mut KVec::from_elem(0u8, 512, GFP_KERNEL)?)
                })?;
                dev.unbind();
            }
            Ok(())
        })
    }

    #[test]
    fn a_read_only_disk() -> Result {
        each_probe(|probe| {
            let tags = TagSetOptions::new(1, DEPTH);
            let (shop, _disk) = shop(probe, ALL, tags, DISK.read_only())?;
            check!(Opened::open(probe, &shop.name)?.is_read_only());
            Ok(())
        })
    }
}
