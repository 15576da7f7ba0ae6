// SPDX-License-Identifier: GPL-2.0

//! Flights: which commands of a queue the controller has, when the block layer numbers them.
//!
//! A tag is the block layer's: one request at a time has it. The identifier of a command is its tag, and a
//! generation in the bits that are left, which is another one for the next command with this tag. So a
//! completion that comes late, or twice, is not taken for that of another command, until the generations
//! repeat.
//!
//! One thread at a time begins a command with a tag, since one has the request. Those that look for
//! completions take turns. Timeouts may come at any time.

// Those of the `kernel` crate are calls.
use core::sync::atomic::{
    AtomicU32,
    Ordering::{
        Relaxed,
        Release, //
    }, //
};
use kernel::prelude::*;

/// How many bits of an identifier are the tag.
const TAG_BITS: u32 = 10;

/// The most tags of a queue. The last one that 10 bits have is left out, so no identifier has all bits set:
/// that one means no command in the controller's log of errors.
pub(crate) const TAGS_MAX: u32 = (1 << TAG_BITS) - 1;

/// The identifier of the last command, in the lower half of a state.
const ID: u32 = 0xffff;

/// The controller has the command.
const BUSY: u32 = 1 << 16;

/// The command was not completed in time, once or twice.
const LATE: u32 = 1 << 17;
const OVERDUE: u32 = 1 << 18;

/// The controller is asked to abort the command.
const ABORTED: u32 = 1 << 19;

/// How late a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lateness {
    /// Its time is not over.
    InTime,
    /// Its time was over once.
    Late,
    /// Its time was over twice.
    Overdue,
}

impl Lateness {
    fn of(state: u32) -> Self {
        if state & OVERDUE != 0 {
            Self::Overdue
        } else if state & LATE != 0 {
            Self::Late
        } else {
            Self::InTime
        }
    }
}

/// A command that the controller does not have yet.
pub(crate) struct Flight<'a>(&'a AtomicU32);

impl Flight<'_> {
    /// Enters that the controller is about to get the command, and returns its identifier.
    #[inline]
    pub(crate) fn begin(self) -> u16 {
        let id = self.0.load(Relaxed).wrapping_add(1 << TAG_BITS) & ID;

        self.0.store(id | BUSY, Relaxed);
        // CAST: Masked.
        id as u16
    }
}

/// The commands of a queue, by their tags.
pub(crate) struct Flights {
    states: KVVec<AtomicU32>,
}

impl Flights {
    /// Returns the flights of a queue with `tags` tags: none.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no tag, or too many. `ENOMEM`.
    pub(crate) fn new(tags: u32) -> Result<Self> {
        if tags == 0 || tags > TAGS_MAX {
            return Err(EINVAL);
        }
        let mut states = KVVec::with_capacity(usize::try_from(tags)?, GFP_KERNEL)?;
        for tag in 0..tags {
            states.push(AtomicU32::new(tag), GFP_KERNEL)?;
        }
        Ok(Self { states })
    }

    #[inline]
    fn state(&self, tag: u32) -> Option<&AtomicU32> {
        // CAST: To the wider type.
        self.states.get(tag as usize)
    }

    /// Returns the flight of the next command with this tag. `None` if there is no such tag.
    #[inline]
    pub(crate) fn next(&self, tag: u32) -> Option<Flight<'_>> {
        self.state(tag).map(Flight)
    }

    /// Enters that the controller has completed the command with this identifier, after all that was read of
    /// what it wrote. Returns the tag.
    ///
    /// # Errors
    ///
    /// `EBADMSG`: the controller has no such command. Nothing changes.
    #[inline]
    pub(crate) fn end(&self, id: u16) -> Result<u32> {
        let id = u32::from(id);
        let tag = id & TAGS_MAX;
        let state = self.state(tag).ok_or(EBADMSG)?;

        if state.load(Relaxed) & (BUSY | ID) != BUSY | id {
            return Err(EBADMSG);
        }
        state.store(id, Release);
        Ok(tag)
    }

    /// Returns whether the controller has a command with this tag.
    #[inline]
    pub(crate) fn is_busy(&self, tag: u32) -> bool {
        self.state(tag)
            .is_some_and(|state| state.load(Relaxed) & BUSY != 0)
    }

    /// Enters that the time of the command with this tag is over, and returns how late it is. If it was
    /// completed meanwhile, it is in time.
    pub(crate) fn expire(&self, tag: u32) -> Lateness {
        let Some(state) = self.state(tag) else {
            return Lateness::InTime;
        };
        let mut old = state.load(Relaxed);

        loop {
            if old & BUSY == 0 {
                return Lateness::InTime;
            }
            let new = old | if old & LATE == 0 { LATE } else { OVERDUE };
            // It may be completed here.
            match state.compare_exchange(old, new, Relaxed, Relaxed) {
                Ok(_) => return Lateness::of(new),
                Err(now) => old = now,
            }
        }
    }

    /// Returns the identifiers of the commands that are late, and not overdue, for an abort. Each is returned
    /// once.
    pub(crate) fn late(&self) -> impl Iterator<Item = u16> + '_ {
        self.states.iter().filter_map(|state| {
            let old = state.load(Relaxed);
            if old & (BUSY | LATE | OVERDUE | ABORTED) != BUSY | LATE {
                return None;
            }
            // It may be completed here, or become overdue.
            state
                .compare_exchange(old, old | ABORTED, Relaxed, Relaxed)
                .ok()?;
            // CAST: The lower half.
            Some(old as u16)
        })
    }

    /// Returns whether the controller has no command.
    pub(crate) fn are_none(&self) -> bool {
        self.states
            .iter()
            .all(|state| state.load(Relaxed) & BUSY == 0)
    }

    /// Enters that the controller has forgotten all commands. Calls `each` with the tags of those that it had,
    /// and how late each was.
    ///
    /// The caller makes sure that nobody begins or ends a command meanwhile.
    pub(crate) fn forget(&self, mut each: impl FnMut(u32, Lateness)) {
        for (tag, state) in (0u32..).zip(&*self.states) {
            let old = state.load(Relaxed);
            if old & BUSY != 0 {
                state.store(old & ID, Release);
                each(tag, Lateness::of(old));
            }
        }
    }
}
