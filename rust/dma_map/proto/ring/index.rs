// SPDX-License-Identifier: GPL-2.0

//! Where a ring stands: arithmetic, without memory and without `unsafe`.
//!
//! Both sides count what they have put in or taken out since the beginning, in 32 bits that wrap
//! around. The difference of the two counters is what is in the ring, and the low bits of a counter
//! are the slot.
//!
//! The other side's counter is whatever it says. It is believed as far as it can be true: it moves
//! forward, and not past ours.

/// The other side claims what cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Impossible;

/// How many slots a ring can have: the counters must tell a full ring from an empty one.
pub const MAX_LEN: u32 = 1 << 31;

/// Two counters of a ring, as one side sees them.
///
/// # Invariants
///
/// - `len` is a power of two, and not beyond [`MAX_LEN`].
/// - `filled`, which is `head - tail`, is at most `len`.
#[derive(Clone, Copy, Debug)]
struct Counters {
    len: u32,
    /// Slots that were filled since the beginning.
    head: u32,
    /// Slots that were emptied since the beginning.
    tail: u32,
}

impl Counters {
    const fn new(len: usize) -> Option<Self> {
        if len > MAX_LEN as usize || !len.is_power_of_two() {
            return None;
        }
        // CAST: At most `MAX_LEN`.
        // INVARIANT: Checked above, and empty.
        Some(Self {
            len: len as u32,
            head: 0,
            tail: 0,
        })
    }

    #[inline]
    const fn filled(&self) -> u32 {
        self.head.wrapping_sub(self.tail)
    }

    /// The slot of a counter: less than `len`.
    #[inline]
    const fn slot(&self, counter: u32) -> usize {
        // CAST: `usize` has at least 32 bits.
        (counter & self.len.wrapping_sub(1)) as usize
    }
}

/// The side that fills slots.
#[derive(Clone, Copy, Debug)]
pub struct Filling(Counters);

impl Filling {
    /// An empty ring of `len` slots; `None` unless that is a power of two up to [`MAX_LEN`].
    pub const fn new(len: usize) -> Option<Self> {
        match Counters::new(len) {
            Some(counters) => Some(Self(counters)),
            None => None,
        }
    }

    /// The slot to fill next, or `None` if the ring is full.
    #[inline]
    pub const fn next(&self) -> Option<usize> {
        if self.0.filled() == self.0.len {
            return None;
        }
        Some(self.0.slot(self.0.head))
    }

    /// The next slot was filled; nothing happens if the ring is full.
    #[inline]
    pub fn advance(&mut self) {
        if self.0.filled() != self.0.len {
            // INVARIANT: There is one more, and there was room for it.
            self.0.head = self.0.head.wrapping_add(1);
        }
    }

    /// What to tell the other side.
    #[inline]
    pub const fn counter(&self) -> u32 {
        self.0.head
    }

    /// How many slots can be filled.
    #[inline]
    pub const fn room(&self) -> u32 {
        self.0.len.wrapping_sub(self.0.filled())
    }

    /// The other side claims to have emptied `tail` slots since the beginning. Returns how many
    /// are new.
    #[inline]
    pub fn emptied(&mut self, tail: u32) -> Result<u32, Impossible> {
        let new = tail.wrapping_sub(self.0.tail);

        if new > self.0.filled() {
            return Err(Impossible);
        }
        // INVARIANT: There are fewer, by as many as there were at most.
        self.0.tail = tail;
        Ok(new)
    }
}

/// The side that empties slots.
#[derive(Clone, Copy, Debug)]
pub struct Emptying(Counters);

impl Emptying {
    /// As [`Filling::new`].
    pub const fn new(len: usize) -> Option<Self> {
        match Counters::new(len) {
            Some(counters) => Some(Self(counters)),
            None => None,
        }
    }

    /// The slot to empty next, or `None` if nothing is known to be in the ring.
    #[inline]
    pub const fn next(&self) -> Option<usize> {
        if self.0.filled() == 0 {
            return None;
        }
        Some(self.0.slot(self.0.tail))
    }

    /// The next slot was emptied; nothing happens if there was none.
    #[inline]
    pub fn advance(&mut self) {
        if self.0.filled() != 0 {
            // INVARIANT: There is one less, and there was one.
            self.0.tail = self.0.tail.wrapping_add(1);
        }
    }

    /// What to tell the other side.
    #[inline]
    pub const fn counter(&self) -> u32 {
        self.0.tail
    }

    /// How many slots can be emptied.
    #[inline]
    pub const fn available(&self) -> u32 {
        self.0.filled()
    }

    /// The other side claims to have filled `head` slots since the beginning. Returns how many are
    /// new.
    #[inline]
    pub fn filled(&mut self, head: u32) -> Result<u32, Impossible> {
        let new = head.wrapping_sub(self.0.head);

        if new > self.0.len.wrapping_sub(self.0.filled()) {
            return Err(Impossible);
        }
        // INVARIANT: There are more, by as many as there was room for at most.
        self.0.head = head;
        Ok(new)
    }
}
