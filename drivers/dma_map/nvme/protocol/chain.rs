// SPDX-License-Identifier: GPL-2.0

//! Chains of lists: which entry is where.
//!
//! PRP lists and SGL segments follow one rule. A list has room for a number of entries. If more
//! remain than fit, the last entry of the list leads to the next list. If the rest fits, the last
//! entry is one like the others.

use core::num::NonZero;
use kernel::prelude::*;

/// A chain of lists that holds a number of entries.
///
/// # Invariants
///
/// There is at least one entry. `step` is the room of a list, less 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain {
    entries: usize,
    step: NonZero<usize>,
}

/// Where an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) list: usize,
    pub(crate) slot: usize,
}

impl Chain {
    /// Returns the chain of `entries` entries in lists with room for `room` of them.
    ///
    /// # Errors
    ///
    /// `EINVAL`: there are no entries, or a list has no room for an entry and a link.
    pub(crate) fn new(entries: usize, room: usize) -> Result<Self> {
        let step = room.checked_sub(1).and_then(NonZero::new).ok_or(EINVAL)?;
        if entries == 0 {
            return Err(EINVAL);
        }
        // INVARIANT: Checked above.
        Ok(Self { entries, step })
    }

    /// Returns the number of lists.
    pub(crate) fn lists(self) -> usize {
        // All but the last entry fill up lists by a step each. The last one needs no slot of its own:
        // it has that of a link.
        match self.entries.wrapping_sub(1) {
            0 => 1,
            rest => (rest.wrapping_sub(1) / self.step).wrapping_add(1),
        }
    }

    /// Returns the place of entry `entry`, which is less than the number of entries.
    pub(crate) fn place(self, entry: usize) -> Place {
        let place = Place {
            list: entry / self.step,
            slot: entry % self.step,
        };
        // Only the last entry can be here: the one that has the slot of a link.
        if place.list == self.lists() {
            return Place {
                list: place.list.wrapping_sub(1),
                slot: self.step.get(),
            };
        }
        place
    }

    /// Returns the slot that leads from each list but the last one to the next list.
    pub(crate) fn link(self) -> usize {
        self.step.get()
    }

    /// Returns how many slots of list `list` are used, with the link.
    pub(crate) fn used(self, list: usize) -> usize {
        let last = self.lists().wrapping_sub(1);
        if list == last {
            self.place(self.entries.wrapping_sub(1))
                .slot
                .wrapping_add(1)
        } else {
            self.step.get().wrapping_add(1)
        }
    }
}
