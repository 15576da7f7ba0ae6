// SPDX-License-Identifier: GPL-2.0

//! [`turn`]: who comes while somebody else is at it, does not wait.

use crate::{
    check::*,
    nvme::driver::protocol::turn::Turn, //
};
use kernel::prelude::*;

#[kunit_tests(dma_map_nvme_turn)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_taken_once_each_time() -> Result {
        let turn = Turn::new();
        for _ in 0..3 {
            let mut count = 0;
            turn.run(|| count += 1);
            check_eq!(count, 1);
        }
        Ok(())
    }

    /// As an interrupt handler on the CPU that is at it.
    #[test]
    fn who_comes_meanwhile_is_not_forgotten() -> Result {
        let turn = Turn::new();
        for comes in 0..4 {
            let (mut outer, mut inner) = (0, 0);
            turn.run(|| {
                outer += 1;
                if outer <= comes {
                    // Twice at a time count once.
                    turn.run(|| inner += 1);
                    turn.run(|| inner += 1);
                }
            });
            check_eq!(inner, 0);
            check_eq!(outer, comes + 1);
        }
        let mut count = 0;
        turn.run(|| count += 1);
        check_eq!(count, 1);
        Ok(())
    }
}
