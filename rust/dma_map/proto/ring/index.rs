// SPDX-License-Identifier: GPL-2.0

//! Ring indices: arithmetic, without memory and without `unsafe`.
//!
//! Both sides count the slots that they have filled or emptied since the beginning, in 32 bits that wrap
//! around. The difference of the two counters is the number of slots in use, and the low bits of a
//! counter are the index of a slot.
//!
//! The other side's counter is untrusted. It is accepted only if it is possible: it moves forward, and
//! not past this side's.

/// The error for a counter of the other side that is impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadCounter;

/// The maximum number of slots: the counters must tell a full ring from an empty one.
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
    /// The number of slots that were filled since the beginning.
    head: u32,
    /// The number of slots that were emptied since the beginning.
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

    /// Returns the index of a counter's slot: less than `len`.
    #[inline]
    const fn slot(&self, counter: u32) -> usize {
        // CAST: `usize` has at least 32 bits.
        (counter & self.len.wrapping_sub(1)) as usize
    }
}

/// The side that fills slots.
#[derive(Clone, Copy, Debug)]
pub struct ProducerIndex(Counters);

impl ProducerIndex {
    /// Makes an empty ring of `len` slots, or `None` unless `len` is a power of two up to [`MAX_LEN`].
    pub const fn new(len: usize) -> Option<Self> {
        match Counters::new(len) {
            Some(counters) => Some(Self(counters)),
            None => None,
        }
    }

    /// Returns the slot to fill next, or `None` if the ring is full.
    #[inline]
    pub const fn next(&self) -> Option<usize> {
        if self.0.filled() == self.0.len {
            return None;
        }
        Some(self.0.slot(self.0.head))
    }

    /// Counts the next slot as filled. Does nothing if the ring is full.
    #[inline]
    pub fn advance(&mut self) {
        if self.0.filled() != self.0.len {
            // INVARIANT: The ring was not full, so `filled` is still at most `len`.
            self.0.head = self.0.head.wrapping_add(1);
        }
    }

    /// Returns the counter for the other side.
    #[inline]
    pub const fn counter(&self) -> u32 {
        self.0.head
    }

    /// Returns the number of slots that can be filled.
    #[inline]
    pub const fn room(&self) -> u32 {
        self.0.len.wrapping_sub(self.0.filled())
    }

    /// Accepts the other side's claim to have emptied `tail` slots since the beginning. Returns how many
    /// of them are new.
    #[inline]
    pub fn emptied(&mut self, tail: u32) -> Result<u32, BadCounter> {
        let new = tail.wrapping_sub(self.0.tail);

        if new > self.0.filled() {
            return Err(BadCounter);
        }
        // INVARIANT: `filled` becomes less by `new`, which is at most `filled`.
        self.0.tail = tail;
        Ok(new)
    }
}

/// The side that empties slots.
#[derive(Clone, Copy, Debug)]
pub struct ConsumerIndex(Counters);

impl ConsumerIndex {
    /// Like [`ProducerIndex::new`].
    pub const fn new(len: usize) -> Option<Self> {
        match Counters::new(len) {
            Some(counters) => Some(Self(counters)),
            None => None,
        }
    }

    /// Returns the slot to empty next, or `None` if no filled slot is known.
    #[inline]
    pub const fn next(&self) -> Option<usize> {
        if self.0.filled() == 0 {
            return None;
        }
        Some(self.0.slot(self.0.tail))
    }

    /// Counts the next slot as emptied. Does nothing if the ring is empty.
    #[inline]
    pub fn advance(&mut self) {
        if self.0.filled() != 0 {
            // INVARIANT: The ring was not empty, so `filled` is still at most `len`.
            self.0.tail = self.0.tail.wrapping_add(1);
        }
    }

    /// Returns the counter for the other side.
    #[inline]
    pub const fn counter(&self) -> u32 {
        self.0.tail
    }

    /// Returns the number of slots that can be emptied.
    #[inline]
    pub const fn available(&self) -> u32 {
        self.0.filled()
    }

    /// Accepts the other side's claim to have filled `head` slots since the beginning. Returns how many
    /// of them are new.
    #[inline]
    pub fn filled(&mut self, head: u32) -> Result<u32, BadCounter> {
        let new = head.wrapping_sub(self.0.head);

        if new > self.0.len.wrapping_sub(self.0.filled()) {
            return Err(BadCounter);
        }
        // INVARIANT: `filled` becomes more by `new`, for which there was room.
        self.0.head = head;
        Ok(new)
    }
}
