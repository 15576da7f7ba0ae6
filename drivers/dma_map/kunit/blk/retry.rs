// SPDX-License-Identifier: GPL-2.0

//! Requests that are tried again.

use super::{
    io::*,
    *, //
};
use kernel::bindings;

/// More than there are attempts.
const ALWAYS: u32 = 1000;

/// Reads, and returns how many requests the driver got, and how it ended.
fn read(shop: &Shop, file: &Opened, op: u32, mode: Mode) -> Result<(u32, Result)> {
    let mut buffer = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
    let before = shop.script.requests.load(Relaxed);
    shop.script.set(mode);
    let result = file.run(op, 0, &mut buffer);
    Ok((shop.script.requests.load(Relaxed) - before, result))
}

#[kunit_tests(dma_map_blk_retry)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_tried_so_often() -> Result {
        each_disk(|shop, file| {
            // The same tags each time: the number is that of a request.
            for most in [0, 1, 5, 5, 0, 3] {
                for op in [READ, WRITE | FUA, WRITE] {
                    let (count, result) = read(shop, file, op, Mode::Retry(most, ALWAYS))?;
                    check_err!(result, EREMOTEIO);
                    check_eq!(count, u32::from(most) + 1);
                }
            }
            Ok(())
        })
    }

    #[test]
    fn an_attempt_may_succeed() -> Result {
        each_disk(|shop, file| {
            for failures in [1, 4, 5] {
                let (count, result) = read(shop, file, READ, Mode::Retry(5, failures))?;
                result?;
                check_eq!(count, failures + 1);
            }
            Ok(())
        })
    }

    #[test]
    fn who_wants_an_error_fast_gets_it() -> Result {
        each_disk(|shop, file| {
            for bit in [
                bindings::req_flag_bits___REQ_FAILFAST_DEV,
                bindings::req_flag_bits___REQ_FAILFAST_TRANSPORT,
                bindings::req_flag_bits___REQ_FAILFAST_DRIVER,
                // Reads ahead.
                bindings::req_flag_bits___REQ_RAHEAD,
            ] {
                let (count, result) = read(shop, file, READ | 1 << bit, Mode::Retry(5, ALWAYS))?;
                check!(result.is_err());
                check_eq!(count, 1);
            }
            Ok(())
        })
    }

    #[test]
    fn a_refusal_is_no_attempt() -> Result {
        each_disk(|shop, file| {
            let mut buffer = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
            shop.script.set(Mode::Keep);
            let io = file.start(READ, 0, &mut buffer)?;
            let inside = shop.gate.try_access().ok_or(ENODEV)?;
            for turn in 0..6 {
                let kept = || inside.with(|shelf| !shelf.kept.lock().is_empty());
                check!(wait_until(kept));
                let is_again = inside.with(|shelf| {
                    let request = { shelf.kept.lock().pop() }?;
                    // Two attempts, and refusals between them.
                    match turn % 2 {
                        0 => match request.retry(2) {
                            Ok(refused) => drop(refused),
                            Err(request) => {
                                request.end(Err(EREMOTEIO));
                                return Some(false);
                            }
                        },
                        _ => drop(request.refuse()),
                    }
                    Some(true)
                });
                check_eq!(is_again, Some(turn < 4));
                if turn == 4 {
                    break;
                }
            }
            check_err!(io.end(), EREMOTEIO);
            Ok(())
        })
    }

    #[test]
    fn a_dead_disk_has_no_attempts() -> Result {
        each_probe(|probe| {
            let (shop, disk) = shop(probe, ALL, TagSetOptions::new(1, DEPTH), DISK)?;
            let file = Opened::open(probe, &shop.name)?;
            let mut buffer = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
            shop.script.set(Mode::Keep);
            let io = file.start(READ, 0, &mut buffer)?;
            let inside = shop.gate.try_access().ok_or(ENODEV)?;
            let kept = || inside.with(|shelf| !shelf.kept.lock().is_empty());
            check!(wait_until(kept));
            disk.mark_dead();
            let is_refused = inside.with(|shelf| {
                let request = { shelf.kept.lock().pop() }?;
                Some(match request.retry(5) {
                    Ok(refused) => {
                        drop(refused);
                        false
                    }
                    Err(request) => {
                        request.end(Err(EREMOTEIO));
                        true
                    }
                })
            });
            check_eq!(is_refused, Some(true));
            check!(io.end().is_err());
            Ok(())
        })
    }
}
