// SPDX-License-Identifier: GPL-2.0

//! [`Chain`]: which entry is in which list.

use crate::{
    check::*,
    nvme::driver::protocol::chain::{
        Chain,
        Place, //
    }, //
};
use kernel::prelude::*;

#[kunit_tests(dma_map_nvme_chain)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_as_many_as_needed() -> Result {
        // Entries, room of a list, lists.
        for (entries, room, lists) in [
            (1, 2, 1),
            (2, 2, 1),
            (3, 2, 2),
            (4, 2, 3),
            (1, 512, 1),
            (511, 512, 1),
            (512, 512, 1),
            (513, 512, 2),
            (1022, 512, 2),
            (1023, 512, 2),
            (1024, 512, 3),
            (1534, 512, 3),
            (1535, 512, 4),
            (2045, 512, 4),
            (2046, 512, 5),
        ] {
            check_eq!(
                (entries, room, Chain::new(entries, room)?.lists()),
                (entries, room, lists)
            );
        }
        Ok(())
    }

    #[test]
    fn an_empty_chain_is_einval() -> Result {
        check_err!(Chain::new(0, 512), EINVAL);
        // No room for an entry and a link.
        check_err!(Chain::new(1, 0), EINVAL);
        check_err!(Chain::new(1, 1), EINVAL);
        Ok(())
    }

    /// As a controller reads: slot after slot, and the last slot of a list is a link if more entries
    /// remain than that one slot holds.
    #[test]
    fn places_are_where_a_controller_looks() -> Result {
        for room in 2..=9 {
            for entries in 1..=70 {
                let chain = Chain::new(entries, room)?;
                let mut at = Place { list: 0, slot: 0 };
                for entry in 0..entries {
                    if at.slot == room - 1 && entries - entry > 1 {
                        check_eq!(at.slot, chain.link());
                        check_eq!(chain.used(at.list), room);
                        at = Place {
                            list: at.list + 1,
                            slot: 0,
                        };
                    }
                    check_eq!((room, entries, chain.place(entry)), (room, entries, at));
                    at.slot += 1;
                }
                check_eq!((room, entries, chain.lists()), (room, entries, at.list + 1));
                check_eq!(
                    (room, entries, chain.used(at.list)),
                    (room, entries, at.slot)
                );
            }
        }
        Ok(())
    }
}
