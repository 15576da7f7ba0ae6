// SPDX-License-Identifier: GPL-2.0

//! Window arithmetic: every state of small rings, with each claim of a device.

use crate::check::*;
use dma_map::descriptor_ring::{
    window::{
        BadIndex,
        Window,
        MAX_LEN, //
    },
    Capacity, //
};
use kernel::prelude::*;

/// A window whose oldest slot is the one after `start` slots, with `used` slots filled and `given` given.
fn window(len: usize, capacity: Capacity, start: u32, used: u32, given: u32) -> Result<Window> {
    let mut window = Window::new(len, capacity).ok_or(EINVAL)?;
    for _ in 0..start {
        window.fill();
        window.give();
        window.retire(1);
    }
    for i in 0..used {
        if i == given {
            window.give();
        }
        window.fill();
    }
    if used == given {
        window.give();
    }
    Ok(window)
}

/// Calls `f` with each state of small rings: the length, the number of earlier slots, of used and of given
/// ones, and the window.
fn each_state(mut f: impl FnMut(u32, u32, u32, u32, Window) -> Result) -> Result {
    for capacity in [Capacity::All, Capacity::AllButOne] {
        for len in 1..6u32 {
            let most = match capacity {
                Capacity::All => len,
                Capacity::AllButOne => len - 1,
            };
            if most == 0 {
                continue;
            }
            for start in 0..3 * len {
                for used in 0..=most {
                    for given in 0..=used {
                        let window = window(len as usize, capacity, start, used, given)?;
                        check_eq!((window.used(), window.room()), (used, most - used));
                        f(len, start, used, given, window)?;
                    }
                }
            }
        }
    }
    Ok(())
}

#[kunit_tests(dma_map_descriptor_ring_window)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_what_a_register_can_say() -> Result {
        for (len, capacity, room) in [
            (0, Capacity::All, None),
            (0, Capacity::AllButOne, None),
            (1, Capacity::All, Some(1)),
            (1, Capacity::AllButOne, None),
            (2, Capacity::AllButOne, Some(1)),
            (3, Capacity::All, Some(3)),
            (MAX_LEN as usize, Capacity::All, Some(MAX_LEN)),
            (MAX_LEN as usize, Capacity::AllButOne, Some(MAX_LEN - 1)),
            (MAX_LEN as usize + 1, Capacity::All, None),
            (usize::MAX, Capacity::AllButOne, None),
        ] {
            check_eq!(Window::new(len, capacity).map(|w| w.room()), room);
        }
        Ok(())
    }

    #[test]
    fn places_wrap_at_the_length() -> Result {
        each_state(|len, start, used, given, window| {
            let next = window.next();
            check_eq!(next.index, (start + used) % len);
            check_eq!(next.lap.number(), (start + used) / len);
            check_eq!(next.lap.phase(), (start + used) / len % 2 == 0);
            check_eq!(window.vacant().is_some(), window.room() != 0);
            check_eq!(
                window
                    .oldest()
                    .map(|oldest| (oldest.index, oldest.lap.number())),
                (given != 0).then_some((start % len, start / len))
            );
            check_eq!(window.not_given(), given..used);
            Ok(())
        })
    }

    #[test]
    fn all_claims_are_judged() -> Result {
        each_state(|len, start, used, given, window| {
            for claim in Iterator::chain(0..3 * len, [u32::MAX, MAX_LEN, u32::MAX - len]) {
                let mut window = window;
                // How far the claim is ahead of the oldest slot.
                let ahead = (claim.wrapping_add(len) - start % len) % len;
                if claim < len && ahead <= given {
                    check_eq!(window.report(claim), Ok(ahead));
                    check_eq!((window.done(), window.used()), (ahead, used));
                    // Once more says nothing new.
                    check_eq!(window.report(claim), Ok(0));
                } else {
                    check_eq!(window.report(claim), Err(BadIndex));
                    check_eq!((window.done(), window.used()), (0, used));
                }
            }
            Ok(())
        })
    }

    #[test]
    fn a_claim_does_not_go_back() -> Result {
        let mut window = window(5, Capacity::AllButOne, 3, 4, 4)?;
        check_eq!(window.report(0), Ok(2));
        check_eq!(window.report(4), Err(BadIndex));
        check_eq!(window.report(3), Err(BadIndex));
        check_eq!(window.report(2), Ok(2));
        window.retire(1);
        check_eq!((window.done(), window.used()), (3, 3));
        check_eq!(window.report(3), Err(BadIndex));
        check_eq!(window.report(2), Ok(0));
        Ok(())
    }

    #[test]
    fn nothing_comes_of_too_many_steps() -> Result {
        each_state(|_, _, used, given, mut window| {
            let room = window.room();
            for _ in 0..room + 3 {
                window.fill();
            }
            check_eq!((window.room(), window.used()), (0, used + room));
            window.retire(u32::MAX);
            check_eq!(window.used(), used + room - given);
            check!(window.oldest().is_none());
            window.give();
            window.retire(u32::MAX);
            check_eq!(window.used(), 0);
            window.reset();
            check_eq!((window.next().index, window.next().lap.number()), (0, 0));
            Ok(())
        })
    }

    #[test]
    fn indices_wrap_in_the_largest_ring() -> Result {
        let mut window = Window::new(MAX_LEN as usize, Capacity::AllButOne).ok_or(EINVAL)?;
        check_eq!(window.place(MAX_LEN - 1).index, MAX_LEN - 1);
        check_eq!(window.place(MAX_LEN - 1).lap.number(), 0);
        window.fill();
        window.give();
        check_eq!(window.report(MAX_LEN - 1), Err(BadIndex));
        check_eq!(window.report(1), Ok(1));
        window.retire(1);
        check_eq!(window.place(MAX_LEN - 1).index, 0);
        check_eq!(window.place(MAX_LEN - 1).lap.number(), 1);
        Ok(())
    }
}
