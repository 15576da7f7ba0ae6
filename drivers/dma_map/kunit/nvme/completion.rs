// SPDX-License-Identifier: GPL-2.0

//! [`completion`]: what a status means for a request of the block layer.

use crate::{
    check::*,
    nvme::driver::protocol::completion::{
        End,
        Status, //
    }, //
};
use dma_map::endian::Le;
use kernel::prelude::*;

/// The bit of a status that is the same if the command is sent again, and the one that there is more in the log.
const DO_NOT_RETRY: u16 = 1 << 14;
const MORE: u16 = 1 << 13;

/// Returns a status, as a controller writes it.
fn status(number: u16) -> Status {
    End::from(Le::from(u32::from(number) << 17 | 0x1_2345)).status
}

#[kunit_tests(dma_map_nvme_completion)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_one_of_the_block_layers_errors() -> Result {
        for (number, result) in [
            (0, Ok(())),
            (0x01, Err(EOPNOTSUPP)),
            (0x02, Err(EOPNOTSUPP)),
            (0x06, Err(EIO)),
            (0x07, Err(ETIMEDOUT)),
            (0x0b, Err(EOPNOTSUPP)),
            (0x80, Err(EREMOTEIO)),
            (0x81, Err(ENOSPC)),
            (0x182, Err(ENODATA)),
            (0x280, Err(ENODATA)),
            (0x281, Err(ENODATA)),
            (0x7ff, Err(EIO)),
        ] {
            for more in [0, MORE, DO_NOT_RETRY, MORE | DO_NOT_RETRY] {
                check_eq!(status(number | more).number(), number | more);
                check_eq!(status(number | more).to_block(), result);
            }
        }
        Ok(())
    }

    #[test]
    fn what_may_succeed_is_sent_again() -> Result {
        for number in [0x01, 0x06, 0x08, 0x80, 0x82, 0x281, 0x300, 0x7ff] {
            check!(status(number).is_temporary());
            check!(status(number | MORE).is_temporary());
            check!(!status(number | DO_NOT_RETRY).is_temporary());
        }
        // A success, and what was aborted.
        for number in [0x00, 0x07] {
            for more in [0, MORE, DO_NOT_RETRY] {
                check!(!status(number | more).is_temporary());
            }
        }
        Ok(())
    }
}
