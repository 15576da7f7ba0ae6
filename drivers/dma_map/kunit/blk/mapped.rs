// SPDX-License-Identifier: GPL-2.0

//! Requests whose data the device moves.

use super::{
    io::*,
    *, //
};

/// Makes a shop whose device works as `engine` says.
fn with_engine(probe: &Probe<'_, '_>, engine: Scripted) -> Result<(Shop, Disk<Shelved>)> {
    let tags = TagSetOptions::new(1, DEPTH);
    // The kernel reads the disk when it is added.
    shop_with(probe, ALL, tags, DISK, Script::with(engine)?)
}

/// Starts a request that is mapped.
pub(super) fn map<'a>(
    shop: &Shop,
    file: &Opened,
    buffer: &'a mut [u8],
) -> Result<(Io<'a>, (u32, u32))> {
    shop.script.set(Mode::Map);
    let io = file.start(READ, 16, buffer)?;
    let at = shop.script.started()?;
    Ok((io, at))
}

#[kunit_tests(dma_map_blk_mapped)]
mod tests {
    use super::*;

    #[test]
    fn the_device_moves_data() -> Result {
        each_disk(|shop, file| {
            let mut buffer = VVec::from_elem(0u8, 300 << 10, GFP_KERNEL)?;
            shop.script.set(Mode::Move);
            for most in [u32::MAX, 4096, 1000] {
                shop.script.most.store(most, Relaxed);
                for (seed, (sector, start, len)) in [
                    (0u64, 0usize, 512usize),
                    (1, 512, 4096),
                    (7, 0, 8192),
                    (9, 1536, 5 * 512),
                    (64, 4096, 64 << 10),
                    (300, 512, 128 << 10),
                    (1000, 0, 255 << 10),
                    (2047, 0, 512),
                ]
                .into_iter()
                .enumerate()
                {
                    let part = &mut buffer[start..start + len];
                    pattern::fill(part, seed as u8, 0);
                    file.run(WRITE, sector, part)?;
                    part.fill(0);
                    file.run(READ, sector, part)?;
                    check!(
                        pattern::holds(part, seed as u8, 0),
                        "{len} bytes at {sector}"
                    );
                    // What the CPU moves is the same.
                    part.fill(0);
                    shop.script.set(Mode::Serve);
                    file.run(READ, sector, part)?;
                    shop.script.set(Mode::Move);
                    check!(
                        pattern::holds(part, seed as u8, 0),
                        "{len} bytes at {sector}"
                    );
                }
            }
            Ok(())
        })
    }

    /// Contiguous data is one segment at every place in a page, however many pages it crosses.
    #[test]
    fn contiguous_data_is_one_piece() -> Result {
        each_probe(|probe| {
            let disk = DISK.dma_alignment(3);
            let (shop, _disk) = shop(probe, ALL, TagSetOptions::new(1, DEPTH), disk)?;
            let file = Opened::open(probe, &shop.name)?;
            let mut buffer = KVec::from_elem(0u8, 64 << 10, GFP_KERNEL)?;
            shop.script.set(Mode::Move);
            for start in [0, 4, 508, 512, 516, 3580, 3584, 3588, 4092, 4096, 4100] {
                for len in [512, 4096, 4608, 8192, 32 << 10] {
                    let part = &mut buffer[start..start + len];
                    pattern::fill(part, 3, 0);
                    file.run(WRITE, 24, part)?;
                    part.fill(0);
                    file.run(READ, 24, part)?;
                    check!(pattern::holds(part, 3, 0), "{len} bytes at {start}");
                    check_eq!(shop.script.pieces.lock().len(), 1);
                }
            }
            Ok(())
        })
    }

    #[test]
    fn pieces_keep_the_limits() -> Result {
        each_probe(|probe| {
            // Not of whole pages, which an IOMMU has.
            let limits = ALL.max_segment_size(5000).segment_boundary(0x3fff);
            let (shop, _disk) = shop(probe, limits, TagSetOptions::new(1, DEPTH), DISK)?;
            let file = Opened::open(probe, &shop.name)?;
            let mut buffer = KVec::from_elem(0u8, 64 << 10, GFP_KERNEL)?;
            for most in [u32::MAX, 4096, 700] {
                shop.script.most.store(most, Relaxed);
                let (io, (queue, tag)) = map(&shop, &file, &mut buffer)?;
                let mut bytes = 0;
                for piece in shop.script.pieces.lock().iter() {
                    let last = piece.address + u64::from(piece.len) - 1;
                    check!(piece.len <= most.min(5000) && piece.len != 0);
                    check_eq!(piece.address >> 14, last >> 14);
                    bytes += piece.len;
                }
                check_eq!(bytes, shop.script.seen.lock().map_or(0, |seen| seen.2));
                shop.script.set(Mode::Serve);
                let ended = shop
                    .tags
                    .take(queue, tag, |claimed| claimed.end(Ok(())).is_ok());
                check_eq!(ended, Some(true));
                io.end()?;
            }
            Ok(())
        })
    }

    /// What is unmapped is not read from the lists that the device has.
    #[test]
    fn a_device_may_change_its_lists() -> Result {
        each_disk(|shop, file| {
            let mut buffer = VVec::from_elem(0u8, 64 << 10, GFP_KERNEL)?;
            // Parts of pages, so that each is a segment behind an IOMMU, too.
            for range in [0..512, 0..64 << 10, 512..63 << 10, 4096..8192] {
                let part = &mut buffer[range];
                pattern::fill(part, 5, 0);
                shop.script.set(Mode::Serve);
                file.run(WRITE, 16, part)?;
                part.fill(0);
                let (io, (queue, tag)) = map(shop, file, part)?;
                {
                    let mut pieces = shop.script.pieces.lock();
                    check!(!pieces.is_empty());
                    for piece in pieces.iter_mut() {
                        piece.address ^= 0x5555_5555_f000;
                        piece.len = u32::MAX;
                    }
                }
                let ended = shop
                    .tags
                    .take(queue, tag, |claimed| claimed.end(Ok(())).is_ok());
                check_eq!(ended, Some(true));
                io.end()?;
                check!(pattern::holds(part, 5, 0));
            }
            Ok(())
        })
    }

    #[test]
    fn a_busy_device_keeps_its_request() -> Result {
        each_probe(|probe| {
            let (shop, _disk) = with_engine(probe, Scripted::idle())?;
            let file = Opened::open(probe, &shop.name)?;
            let mut buffer = KVec::from_elem(0u8, 4096, GFP_KERNEL)?;
            let engine = &shop.script.engine;
            for way in 0..4 {
                let (io, (queue, tag)) = map(&shop, &file, &mut buffer)?;
                engine.start();
                let stopped = engine.stopped();
                let seen = shop.tags.take(queue, tag, |claimed| {
                    let Err(Busy(claimed)) = claimed.end(Ok(())) else {
                        return Err(EINVAL);
                    };
                    let Err(Busy(claimed)) = claimed.complete(Ok(())) else {
                        return Err(EINVAL);
                    };
                    let Err(Busy(claimed)) = claimed.into_request() else {
                        return Err(EINVAL);
                    };
                    match way {
                        0 => drop(claimed),
                        1 => claimed.cancel(ENOSPC)?,
                        2 => {
                            engine.finish();
                            claimed.end(Ok(()))?;
                        }
                        _ => {
                            engine.finish();
                            claimed.complete(Ok(()))?;
                        }
                    }
                    Ok(())
                });
                check_eq!(seen, Some(Ok(())));
                match way {
                    0 => check_err!(io.end(), EIO),
                    1 => check_err!(io.end(), ENOSPC),
                    _ => io.end()?,
                }
                // It was stopped where nobody waited for it.
                check_eq!(engine.stopped() - stopped, u32::from(way < 2));
                check_eq!(shop.script.commands.load(Relaxed), 0);
            }
            Ok(())
        })
    }

    #[test]
    fn cancel_stops_a_busy_device() -> Result {
        each_probe(|probe| {
            let (shop, _disk) = with_engine(probe, Scripted::idle())?;
            let file = Opened::open(probe, &shop.name)?;
            let mut buffer = KVec::from_elem(0u8, 4096, GFP_KERNEL)?;
            let (io, _) = map(&shop, &file, &mut buffer)?;
            shop.script.engine.start();
            check_eq!(shop.tags.cancel(ENODEV), 1);
            check_err!(io.end(), ENODEV);
            check_eq!(shop.script.engine.stopped(), 1);
            Ok(())
        })
    }

    #[test]
    fn a_timeout_stops_a_busy_device() -> Result {
        each_probe(|probe| {
            let tags = TagSetOptions::new(1, DEPTH).timeout_ms(100);
            let (shop, _disk) = shop(probe, ALL, tags, DISK)?;
            let file = Opened::open(probe, &shop.name)?;
            let mut buffer = KVec::from_elem(0u8, 4096, GFP_KERNEL)?;
            let (io, (queue, tag)) = map(&shop, &file, &mut buffer)?;
            shop.script.engine.start();
            check_err!(io.end(), ETIMEDOUT);
            check_eq!(shop.script.engine.stopped(), 1);
            check!(shop.tags.take(queue, tag, |_| ()).is_none());
            Ok(())
        })
    }

    #[test]
    fn a_mapped_request_that_is_dropped_fails() -> Result {
        each_disk(|shop, file| {
            let mut buffer = KVec::from_elem(0u8, 4096, GFP_KERNEL)?;
            shop.script.set(Mode::MapDrop);
            check_err!(file.run(READ, 0, &mut buffer), EIO);

            shop.script.engine.start();
            check_err!(file.run(WRITE, 0, &mut buffer), EIO);
            check_eq!(shop.script.engine.stopped(), 1);
            Ok(())
        })
    }

    #[test]
    fn a_walk_that_ends_early_is_an_error() -> Result {
        each_disk(|shop, file| {
            let mut buffer = VVec::from_elem(0u8, 64 << 10, GFP_KERNEL)?;
            shop.script.most.store(1024, Relaxed);
            for (mode, error, seen) in [
                (Mode::GiveUp(0), EXDEV, EIO),
                (Mode::GiveUp(4096), EXDEV, EIO),
                (Mode::GiveUp(u32::MAX), EXDEV, EIO),
                (Mode::Stop(0), EINVAL, EINVAL),
                (Mode::Stop(1024), EINVAL, EINVAL),
                (Mode::Stop(63 << 10), EINVAL, EINVAL),
            ] {
                shop.script.set(mode);
                check_err!(file.run(READ, 0, &mut buffer), seen);
                check_eq!(*shop.script.refused.lock(), Some(error));
            }
            Ok(())
        })
    }

    #[test]
    fn a_flush_has_nothing_to_map() -> Result {
        each_probe(|probe| {
            let tags = TagSetOptions::new(1, DEPTH);
            let (shop, _disk) = shop(probe, ALL, tags, DISK.write_cache().write_zeroes(64))?;
            let file = Opened::open(probe, &shop.name)?;
            shop.script.set(Mode::Move);
            check_err!(file.without_data(WRITE | PREFLUSH, 0, 0), EINVAL);
            check_err!(file.without_data(WRITE_ZEROES, 0, 4096), EINVAL);
            Ok(())
        })
    }

    #[test]
    fn what_cannot_be_stopped_is_quarantined() -> Result {
        // Without an IOMMU, so that nothing but the request is lost.
        TestDevice::platform()?.bind(|probe| {
            let (shop, _disk) = with_engine(probe, Scripted::stuck())?;
            let file = Opened::open(probe, &shop.name)?;
            // The device may write to it for good.
            let buffer = KBox::leak(KBox::new([0u8; 512], GFP_KERNEL)?);
            let (io, (queue, tag)) = map(&shop, &file, buffer)?;
            let inside = shop.gate.try_access().ok_or(ENODEV)?;
            let lost = || inside.with(|shelf| shelf.dma.quarantined());
            let before = lost();
            check!(shop
                .tags
                .take(queue, tag, |claimed| drop(claimed))
                .is_some());
            check_eq!(lost() - before, 512);
            check_eq!(shop.script.commands.load(Relaxed), 1);
            let io = io.check_pending()?;
            check!(shop
                .tags
                .take(queue, tag, |claimed| drop(claimed))
                .is_none());

            // SAFETY: It was leaked by the drop.
            unsafe { shop.end_lost(probe) };
            io.end()
        })
    }
}
