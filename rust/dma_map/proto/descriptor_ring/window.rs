// SPDX-License-Identifier: GPL-2.0

//! Window of slots in use: arithmetic, without memory and without `unsafe`.
//!
//! Indices are in the form of a device's registers: less than the number of slots, which need not be a
//! power of two. Each time round is a lap. The slots in use are those from the oldest one up to the next
//! vacant one. The device has been told of some of them, and has reported some of those as done.
//!
//! ```text
//!          oldest                                                next
//!            |  reported as done  |  given to the device  |  posted  |  vacant ...
//! ```

use core::ops::Range;

/// The error for an index of the device that is impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadIndex;

/// How many slots of a ring can be in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// All: the sign of a slot tells whose it is. An index alone would not tell a full ring from an empty one.
    All,
    /// All but one: two equal indices mean that the ring is empty.
    AllButOne,
}

/// How often an index has gone round the ring, counted from 0, in 32 bits that wrap around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lap(u32);

impl Lap {
    /// The lap of a new ring.
    pub const FIRST: Self = Self(0);

    /// Returns the phase bit: set in the first lap, clear in the second, and so on.
    #[inline]
    pub const fn phase(self) -> bool {
        self.0 & 1 == 0
    }

    /// Returns the number of the lap, from 0 on, for generations of more than one bit.
    #[inline]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// A slot in a lap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The slot.
    pub index: u32,
    /// The lap.
    pub lap: Lap,
}

impl Place {
    /// The first slot of a new ring.
    pub const FIRST: Self = Self {
        index: 0,
        lap: Lap::FIRST,
    };

    /// Returns the place behind this one in a ring of `len` slots.
    #[inline]
    pub const fn after(self, len: u32) -> Self {
        self.plus(1, len)
    }

    /// Returns the place `count` slots behind this one; `count` must be at most `len`.
    #[inline]
    const fn plus(self, count: u32, len: u32) -> Self {
        let index = self.index.wrapping_add(count);
        if index < len {
            return Self {
                index,
                lap: self.lap,
            };
        }
        Self {
            index: index.wrapping_sub(len),
            lap: Lap(self.lap.0.wrapping_add(1)),
        }
    }
}

/// The maximum number of slots, so that the sum of two indices does not wrap around.
pub const MAX_LEN: u32 = 1 << 31;

/// The slots of a ring that are in use.
///
/// # Invariants
///
/// - `len` is from 1 to [`MAX_LEN`], and `capacity` is `len` or one less, and at least 1.
/// - `done` <= `given` <= `used` <= `capacity`.
/// - The index of `oldest` is less than `len`.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    len: u32,
    capacity: u32,
    oldest: Place,
    used: u32,
    given: u32,
    done: u32,
}

impl Window {
    /// Makes an empty window in a ring of `len` slots, or `None` if no slot can be used, or `len` is more
    /// than [`MAX_LEN`].
    pub const fn new(len: usize, capacity: Capacity) -> Option<Self> {
        if len > MAX_LEN as usize {
            return None;
        }
        // CAST: At most `MAX_LEN`.
        let len = len as u32;
        let capacity = match capacity {
            Capacity::All => len,
            Capacity::AllButOne => len.saturating_sub(1),
        };
        if capacity == 0 {
            return None;
        }
        // INVARIANT: Checked above; nothing is in use.
        Some(Self {
            len,
            capacity,
            oldest: Place::FIRST,
            used: 0,
            given: 0,
            done: 0,
        })
    }

    /// Returns the number of slots in use.
    #[inline]
    pub const fn used(&self) -> u32 {
        self.used
    }

    /// Returns the number of slots that can be filled.
    #[inline]
    pub const fn room(&self) -> u32 {
        self.capacity.wrapping_sub(self.used)
    }

    /// Returns the number of slots that the device has reported by an index, and that are still in use.
    #[inline]
    pub const fn done(&self) -> u32 {
        self.done
    }

    /// Returns the place of the slot to fill next, whether or not there is room.
    #[inline]
    pub const fn next(&self) -> Place {
        self.oldest.plus(self.used, self.len)
    }

    /// Returns the slot to fill next, or `None` if the ring is full.
    #[inline]
    pub const fn vacant(&self) -> Option<Place> {
        if self.room() == 0 {
            return None;
        }
        Some(self.next())
    }

    /// Counts the next slot as filled. Does nothing if the ring is full.
    #[inline]
    pub fn fill(&mut self) {
        if self.room() != 0 {
            // INVARIANT: There was room.
            self.used = self.used.wrapping_add(1);
        }
    }

    /// Returns the slots that are filled and were not given to the device, as counts from the oldest slot.
    #[inline]
    pub const fn not_given(&self) -> Range<u32> {
        self.given..self.used
    }

    /// Returns the place `count` slots behind the oldest, which must be less than the number in use.
    #[inline]
    pub const fn place(&self, count: u32) -> Place {
        self.oldest.plus(count, self.len)
    }

    /// Counts all filled slots as given to the device.
    #[inline]
    pub fn give(&mut self) {
        // INVARIANT: Both are the same now.
        self.given = self.used;
    }

    /// Returns the oldest slot that was given to the device, if there is one.
    #[inline]
    pub const fn oldest(&self) -> Option<Place> {
        if self.given == 0 {
            return None;
        }
        Some(self.oldest)
    }

    /// Accepts the device's claim that the next slot it will work on, or report, is `index`. Returns how many
    /// slots are new.
    ///
    /// In a ring that can be full ([`Capacity::All`]), this is not enough: with 4 slots that were all given,
    /// and that the device has all done, the index is 0 again, and 0 slots are new.
    #[inline]
    pub fn report(&mut self, index: u32) -> Result<u32, BadIndex> {
        if index >= self.len {
            return Err(BadIndex);
        }
        let from = self.place(self.done).index;
        let new = if index >= from {
            index.wrapping_sub(from)
        } else {
            index.wrapping_add(self.len).wrapping_sub(from)
        };
        if new > self.given.wrapping_sub(self.done) {
            return Err(BadIndex);
        }
        // INVARIANT: At most `given` (checked above).
        self.done = self.done.wrapping_add(new);
        Ok(new)
    }

    /// Counts the oldest `count` slots that were given to the device as vacant, or as many as there are.
    #[inline]
    pub fn retire(&mut self, count: u32) {
        let count = if count < self.given {
            count
        } else {
            self.given
        };
        // INVARIANT: All become less by the same number, or 0.
        self.oldest = self.oldest.plus(count, self.len);
        self.used = self.used.wrapping_sub(count);
        self.given = self.given.wrapping_sub(count);
        self.done = self.done.saturating_sub(count);
    }

    /// Makes the window as it was when it was new.
    #[inline]
    pub fn reset(&mut self) {
        // INVARIANT: Nothing is in use.
        self.oldest = Place::FIRST;
        (self.used, self.given, self.done) = (0, 0, 0);
    }
}
