// SPDX-License-Identifier: GPL-2.0

//! Ring arithmetic: every state of small rings, at every place where counters wrap.

use crate::check::*;
use dma_map::ring::index::{
    BadCounter,
    ConsumerIndex,
    ProducerIndex,
    MAX_LEN, //
};
use kernel::prelude::*;

/// A ring of `len` slots whose counters stand at `start`, with `held` slots filled.
fn filling(len: usize, start: u32, held: u32) -> Result<ProducerIndex> {
    let mut ring = ProducerIndex::new(len).ok_or(EINVAL)?;

    // Round and round, in steps as large as they can be.
    let mut at: u32 = 0;
    while at != start {
        let step = (len as u32).min(start.wrapping_sub(at));
        for _ in 0..step {
            ring.advance();
        }
        at = at.wrapping_add(step);
        check_eq!(ring.emptied(at), Ok(step));
    }
    for _ in 0..held {
        ring.advance();
    }
    Ok(ring)
}

/// Counters around 0.
fn claims() -> impl Iterator<Item = u32> {
    (0..81u32).map(|i| i.wrapping_sub(40))
}

#[kunit_tests(dma_map_ring_index)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_powers_of_two() -> Result {
        for len in [0, 3, 5, 6, 7, 9, 1000, MAX_LEN as usize + 1, usize::MAX] {
            check!(ProducerIndex::new(len).is_none(), "{len}");
            check!(ConsumerIndex::new(len).is_none(), "{len}");
        }
        for shift in 0..32 {
            let ring = ProducerIndex::new(1 << shift).ok_or(EINVAL)?;
            check_eq!(ring.room(), 1 << shift);
            check!(ConsumerIndex::new(1 << shift).is_some());
        }
        Ok(())
    }

    #[test]
    fn slots_are_within_the_ring() -> Result {
        for len in [1usize, 2, 4, 8] {
            for start in 0..20 {
                for held in 0..=len as u32 {
                    let ring = filling(len, start, held)?;
                    match ring.next() {
                        Some(slot) => {
                            check_eq!(slot, (start + held) as usize & (len - 1));
                            check!(held < len as u32);
                        }
                        None => check_eq!(held, len as u32),
                    }
                    check_eq!(ring.room(), len as u32 - held);
                }
            }
        }
        Ok(())
    }

    #[test]
    fn all_claims_of_an_emptier_are_judged() -> Result {
        for len in [1usize, 4] {
            for held in 0..=len as u32 {
                let ring = filling(len, 9, held)?;
                for claim in claims() {
                    let mut ring = ring;
                    let new = claim.wrapping_sub(9);
                    if new <= held {
                        check_eq!(ring.emptied(claim), Ok(new));
                        check_eq!(ring.room(), len as u32 - held + new);
                    } else {
                        check_eq!(ring.emptied(claim), Err(BadCounter));
                        check_eq!(ring.room(), len as u32 - held);
                    }
                }
            }
        }
        Ok(())
    }

    #[test]
    fn all_claims_of_a_filler_are_judged() -> Result {
        let mut ring = ConsumerIndex::new(4).ok_or(EINVAL)?;
        check_eq!(ring.filled(3), Ok(3));
        ring.advance();
        // 2 of 4 are there, and the claims are judged from 3 on.
        for claim in claims() {
            let mut ring = ring;
            match claim {
                3..=5 => {
                    check_eq!(ring.filled(claim), Ok(claim - 3));
                    check_eq!(ring.available(), claim - 1);
                }
                _ => {
                    check_eq!(ring.filled(claim), Err(BadCounter));
                    check_eq!(ring.available(), 2);
                }
            }
        }
        Ok(())
    }

    #[test]
    fn counters_wrap() -> Result {
        // In the largest ring, two steps are once around the counter.
        let mut ring = ConsumerIndex::new(MAX_LEN as usize).ok_or(EINVAL)?;
        check_eq!(ring.filled(MAX_LEN), Ok(MAX_LEN));
        check_eq!(ring.filled(MAX_LEN + 1), Err(BadCounter));
        check_eq!(ring.next(), Some(0));
        ring.advance();
        check_eq!(ring.next(), Some(1));
        check_eq!(ring.filled(MAX_LEN + 1), Ok(1));
        check_eq!(ring.filled(0), Err(BadCounter));
        check_eq!(ring.counter(), 1);
        Ok(())
    }

    #[test]
    fn nothing_comes_of_too_many_steps() -> Result {
        let mut full = filling(2, 5, 2)?;
        let before = full.counter();
        full.advance();
        check_eq!(full.counter(), before);
        check_eq!(full.next(), None);

        let mut empty = ConsumerIndex::new(2).ok_or(EINVAL)?;
        empty.advance();
        check_eq!(empty.counter(), 0);
        check_eq!(empty.next(), None);
        Ok(())
    }
}
