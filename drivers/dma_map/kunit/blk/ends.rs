// SPDX-License-Identifier: GPL-2.0

//! Ends of requests: by the driver, by a completion, by a cancel.

use super::{
    io::*,
    *, //
};

#[kunit_tests(dma_map_blk_ends)]
mod tests {
    use super::*;

    #[test]
    fn data_comes_back() -> Result {
        each_disk(|_, file| {
            let mut buffer = VVec::from_elem(0u8, 256 << 10, GFP_KERNEL)?;
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
            }
            Ok(())
        })
    }

    #[test]
    fn a_copy_is_within_the_data_and_its_direction() -> Result {
        each_disk(|shop, file| {
            let mut buffer = KVec::from_elem(1u8, 4096, GFP_KERNEL)?;
            shop.script.set(Mode::Start);
            for (op, direction) in [(WRITE, 0), (READ, 1)] {
                let io = file.start(op, 8, &mut buffer)?;
                let (queue, tag) = shop.script.started()?;
                let results = shop.tags.take(queue, tag, |claimed| {
                    let (mut request, command) = claimed.into_request().ok()?;
                    drop(command);
                    let mut room = [0u8; 512];
                    let results = [
                        request.copy_to(3584, &mut room),
                        request.copy_from(3584, &room),
                        request.copy_to(3585, &mut room),
                        request.copy_from(3585, &room),
                        request.copy_to(u32::MAX, &mut room),
                        request.copy_from(u32::MAX, &room),
                    ];
                    request.end(Ok(()));
                    Some(results)
                });
                io.end()?;
                let results = results.flatten().ok_or(EINVAL)?;
                for (i, result) in results.into_iter().enumerate() {
                    check_eq!(result.is_ok(), i == direction);
                }
            }
            Ok(())
        })
    }

    #[test]
    fn an_error_reaches_the_submitter() -> Result {
        each_disk(|shop, file| {
            let mut buffer = KVec::from_elem(0u8, 4096, GFP_KERNEL)?;
            for (error, seen) in [
                (EOPNOTSUPP, EOPNOTSUPP),
                (ETIMEDOUT, ETIMEDOUT),
                (ENOSPC, ENOSPC),
                (ENODEV, ENODEV),
                (EINVAL, EINVAL),
                (EIO, EIO),
                (EXDEV, EIO),
                // It has a meaning within the block layer.
                (EAGAIN, EIO),
            ] {
                shop.script.set(Mode::Fail(error));
                check_err!(file.run(READ, 0, &mut buffer), seen);
            }
            shop.script.set(Mode::Serve);
            file.run(READ, 0, &mut buffer)
        })
    }

    #[test]
    fn a_request_that_is_dropped_fails() -> Result {
        each_disk(|shop, file| {
            let mut buffer = KVec::from_elem(0u8, 4096, GFP_KERNEL)?;
            shop.script.set(Mode::Drop);
            check_err!(file.run(WRITE, 0, &mut buffer), EIO);

            shop.script.set(Mode::Start);
            let io = file.start(READ, 0, &mut buffer)?;
            let (queue, tag) = shop.script.started()?;
            check!(shop
                .tags
                .take(queue, tag, |claimed| drop(claimed))
                .is_some());
            check_err!(io.end(), EIO);
            check_eq!(shop.script.commands.load(Relaxed), 0);
            Ok(())
        })
    }

    #[test]
    fn a_request_that_is_refused_comes_again() -> Result {
        each_disk(|shop, file| {
            let mut buffer = KVec::from_elem(3u8, 4096, GFP_KERNEL)?;
            let before = shop.script.requests.load(Relaxed);
            shop.script.set(Mode::Refuse(3));
            file.run(WRITE, 0, &mut buffer)?;
            check_eq!(shop.script.requests.load(Relaxed) - before, 4);
            Ok(())
        })
    }

    #[test]
    fn another_request_can_be_refused() -> Result {
        each_disk(|shop, file| {
            let mut first = KVec::from_elem(3u8, 4096, GFP_KERNEL)?;
            let mut second = KVec::from_elem(4u8, 4096, GFP_KERNEL)?;
            shop.script.set(Mode::Keep);
            let first = file.start(WRITE, 0, &mut first)?;
            let first = first.check_pending()?;
            shop.script.set(Mode::Swap);
            let second = file.start(WRITE, 8, &mut second)?;

            // The first one comes again, and is served.
            first.end()?;
            let second = second.check_pending()?;
            let inside = shop.gate.try_access().ok_or(ENODEV)?;
            inside.with(|shelf| {
                let request = shelf.kept.lock().pop().ok_or(EINVAL)?;
                check_eq!(*request.disk(), 7);
                request.end(Ok(()));
                Ok(())
            })?;
            second.end()
        })
    }

    #[test]
    fn a_completion_counts_once() -> Result {
        each_disk(|shop, file| {
            let mut buffer = KVec::from_elem(0u8, 4096, GFP_KERNEL)?;
            for later in [false, true] {
                shop.script.set(Mode::Start);
                let io = file.start(READ, 16, &mut buffer)?;
                let (queue, tag) = shop.script.started()?;
                let io = io.check_pending()?;
                check_eq!(shop.script.commands.load(Relaxed), 1);

                // What a device says may be wrong.
                for (queue, tag) in [
                    (queue, (tag + 1) % DEPTH),
                    (queue, DEPTH),
                    (queue, u32::MAX),
                    (queue + 1, tag),
                    (u32::MAX, u32::MAX),
                ] {
                    check!(shop.tags.take(queue, tag, |_| ()).is_none());
                }
                let io = io.check_pending()?;

                let seen = shop.tags.take(queue, tag, |claimed| {
                    let seen = (claimed.queue(), claimed.tag(), claimed.sector());
                    let ended = if later {
                        claimed.complete(Err(ENOSPC))
                    } else {
                        claimed.end(Err(ENOSPC))
                    };
                    (seen, ended.is_ok())
                });
                check_eq!(seen, Some(((queue, tag, 16), true)));
                check_err!(io.end(), ENOSPC);
                check_eq!(shop.script.commands.load(Relaxed), 0);

                // It comes twice.
                check!(shop.tags.take(queue, tag, |_| ()).is_none());
            }
            Ok(())
        })
    }

    #[test]
    fn a_completion_in_its_place_is_successful() -> Result {
        each_disk(|shop, file| {
            let mut buffer = KVec::from_elem(0u8, 4096, GFP_KERNEL)?;
            shop.script.set(Mode::Start);
            let io = file.start(READ, 16, &mut buffer)?;
            let (queue, tag) = shop.script.started()?;
            let done = shop
                .tags
                .take(queue, tag, |claimed| claimed.complete(Ok(())).is_ok());
            check_eq!(done, Some(true));
            io.end()
        })
    }

    #[test]
    fn cancel_ends_all() -> Result {
        each_disk(|shop, file| {
            let mut buffers = KVec::new();
            for _ in 0..DEPTH {
                buffers.push(KVec::from_elem(0u8, 512, GFP_KERNEL)?, GFP_KERNEL)?;
            }
            shop.script.set(Mode::Start);
            let mut pending = KVec::new();
            for (i, buffer) in buffers.iter_mut().enumerate() {
                pending.push(file.start(READ, 2 * i as u64, buffer)?, GFP_KERNEL)?;
            }
            let started = || shop.script.started.lock().len() == DEPTH as usize;
            check!(wait_until(started));
            check_eq!(shop.tags.cancel(ENODEV), DEPTH as usize);
            for io in pending {
                check_err!(io.end(), ENODEV);
            }
            check_eq!(shop.tags.cancel(ENODEV), 0);
            check_eq!(shop.script.commands.load(Relaxed), 0);
            Ok(())
        })
    }
}
