// SPDX-License-Identifier: GPL-2.0

//! Timeouts, the end of a disk, and what is open beyond it.

use super::{
    io::*,
    *, //
};

/// Options of a queue whose requests time out. The block layer looks once a second.
pub(super) const SHORT: TagSetOptions = TagSetOptions::new(1, DEPTH).timeout_ms(100);

#[kunit_tests(dma_map_blk_life)]
mod tests {
    use super::*;

    #[test]
    fn a_request_times_out() -> Result {
        each_probe(|probe| {
            let (shop, _disk) = shop(probe, ALL, SHORT, DISK)?;
            let file = Opened::open(probe, &shop.name)?;
            let mut buffer = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
            shop.script.set(Mode::Start);
            shop.script.waits.store(1, Relaxed);
            let io = file.start(READ, 0, &mut buffer)?;
            let (queue, tag) = shop.script.started()?;
            check_err!(io.end(), ETIMEDOUT);
            check_eq!(shop.script.timeouts.load(Relaxed), 2);
            check_eq!(shop.script.commands.load(Relaxed), 0);

            // The completion comes late.
            check!(shop.tags.take(queue, tag, |_| ()).is_none());
            Ok(())
        })
    }

    #[test]
    fn a_request_that_the_driver_keeps_is_waited_for() -> Result {
        each_probe(|probe| {
            let (shop, _disk) = shop(probe, ALL, SHORT, DISK)?;
            let file = Opened::open(probe, &shop.name)?;
            let mut buffer = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
            shop.script.set(Mode::Keep);
            let io = file.start(READ, 0, &mut buffer)?;
            check!(wait_until(|| shop.script.timeouts.load(Relaxed) >= 2));
            let io = io.check_pending()?;
            let inside = shop.gate.try_access().ok_or(ENODEV)?;
            let ended = inside.with(|shelf| {
                let request = { shelf.kept.lock().pop() };
                request.map(|request| request.end(Ok(())))
            });
            check!(ended.is_some());
            io.end()
        })
    }

    #[test]
    fn the_end_waits_for_requests() -> Result {
        each(|dev| {
            let mut kept = None;
            dev.bind(|probe| {
                let (shop, disk) = shop(probe, ALL, SHORT, DISK)?;
                let file = Opened::open(probe, &shop.name)?;
                kept = Some((shop, file));
                probe.keep(disk)
            })?;
            let (shop, file) = kept.ok_or(EINVAL)?;
            let mut buffer = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
            shop.script.set(Mode::Start);
            let io = file.start(READ, 0, &mut buffer)?;
            shop.script.started()?;

            // Nobody but the timeout ends it.
            dev.unbind();
            check_eq!(shop.script.commands.load(Relaxed), 0);
            check_eq!(shop.script.timeouts.load(Relaxed), 1);
            check_err!(io.end(), ETIMEDOUT);
            Ok(())
        })
    }

    #[test]
    fn an_open_disk_outlives_the_binding() -> Result {
        each(|dev| {
            let mut kept = None;
            dev.bind(|probe| {
                let (shop, disk) = shop(probe, ALL, TagSetOptions::new(1, DEPTH), DISK)?;
                let file = Opened::open(probe, &shop.name)?;
                kept = Some((number(probe, &shop.name)?, shop, file));
                probe.keep(disk)
            })?;
            let (number, shop, file) = kept.ok_or(EINVAL)?;
            let mut buffer = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
            file.run(READ, 0, &mut buffer)?;
            dev.unbind();

            let before = shop.script.requests.load(Relaxed);
            check_err!(file.run(READ, 0, &mut buffer), EIO);
            check_err!(file.run(WRITE, 0, &mut buffer), EIO);
            check_eq!(shop.script.requests.load(Relaxed), before);
            check!(Opened::by_number(number).is_err());
            check!(shop.gate.try_access().is_none());
            check_eq!(shop.tags.cancel(EIO), 0);
            drop(shop.tags.quiesce());
            Ok(())
        })
    }

    #[test]
    fn a_disk_whose_device_is_gone() -> Result {
        each_probe(|probe| {
            let (shop, disk) = shop(probe, ALL, TagSetOptions::new(1, DEPTH), DISK)?;
            let file = Opened::open(probe, &shop.name)?;
            let mut buffers = [
                KVec::from_elem(0u8, 512, GFP_KERNEL)?,
                KVec::from_elem(0u8, 512, GFP_KERNEL)?,
            ];
            shop.script.set(Mode::Start);
            let [first, second] = &mut buffers;
            let io = file.start(READ, 0, first)?;
            shop.script.started()?;
            disk.mark_dead();
            // What is new fails, and what the device has is the driver's.
            check_err!(file.run(READ, 0, second), EIO);
            let io = io.check_pending()?;
            check_eq!(shop.tags.cancel(ENODEV), 1);
            check_err!(io.end(), ENODEV);
            drop(disk);
            check_err!(file.run(READ, 0, second), EIO);
            Ok(())
        })
    }

    #[test]
    fn a_handle_may_outlive_the_disk() -> Result {
        each(|dev| {
            let mut kept = None;
            dev.bind(|probe| {
                kept = Some(shop(probe, ALL, TagSetOptions::new(1, DEPTH), DISK)?);
                Ok(())
            })?;
            let (shop, disk) = kept.ok_or(EINVAL)?;
            dev.unbind();
            check!(shop.gate.try_access().is_none());
            disk.mark_dead();
            disk.set_capacity(8)?;
            check_eq!(*disk.data(), 7);
            drop(disk);
            Ok(())
        })
    }

    #[test]
    fn a_disk_that_is_leaked_ends_with_the_binding() -> Result {
        each(|dev| {
            let mut kept = None;
            dev.bind(|probe| {
                let (shop, disk) = shop(probe, ALL, TagSetOptions::new(1, DEPTH), DISK)?;
                core::mem::forget(disk);
                kept = Some((number(probe, &shop.name)?, shop));
                Ok(())
            })?;
            let (number, _shop) = kept.ok_or(EINVAL)?;
            drop(Opened::by_number(number)?);
            dev.unbind();
            check!(Opened::by_number(number).is_err());
            Ok(())
        })
    }

    #[test]
    fn a_probe_that_fails_leaves_no_disk() -> Result {
        each(|dev| {
            let mut kept = None;
            dev.bind(|probe| {
                let (shop, disk) = shop(probe, ALL, TagSetOptions::new(1, DEPTH), DISK)?;
                kept = Some((number(probe, &shop.name)?, shop));
                probe.fail_probe();
                probe.keep(disk)
            })?;
            let (number, shop) = kept.ok_or(EINVAL)?;
            check!(Opened::by_number(number).is_err());
            check!(shop.gate.try_access().is_none());
            Ok(())
        })
    }

    #[test]
    fn disks_can_share_a_tag_set() -> Result {
        each_probe(|probe| {
            let (shop, disk) = shop(probe, ALL, TagSetOptions::new(1, DEPTH), DISK)?;
            let other = name()?;
            let second = Disk::add(
                probe.core(),
                shop.tags.clone(),
                fmt!("{}", &*other),
                8,
                DISK,
            )?;
            check_eq!((*disk.data(), *second.data()), (7, 8));
            let files = [
                Opened::open(probe, &shop.name)?,
                Opened::open(probe, &other)?,
            ];
            let mut buffer = KVec::from_elem(9u8, 512, GFP_KERNEL)?;
            files[0].run(WRITE, 0, &mut buffer)?;
            buffer.fill(0);
            files[1].run(READ, 0, &mut buffer)?;
            check_eq!(buffer[511], 9);
            drop(disk);
            check_err!(files[0].run(READ, 0, &mut buffer), EIO);
            files[1].run(READ, 0, &mut buffer)
        })
    }
}
