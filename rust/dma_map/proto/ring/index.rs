// SPDX-License-Identifier: GPL-2.0

//! Ring indices: arithmetic, without memory and without `unsafe`.
//!
//! Both sides count the slots that they have filled or emptied since the beginning, in 32 bits that wrap
//! around. The difference of the two counters is the number of slots in use, and the low bits of a
//! counter are the index of a slot.
//!
//! The other side's counter is untrusted. It is accepted only if it is possible: it moves forward, and
//! not past this side's.

use core::marker::PhantomData;

/// The error for a counter of the other side that is impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadCounter;

/// The maximum number of slots: the counters must tell a full ring from an empty one.
pub const MAX_LEN: u32 = 1 << 31;

mod private {
    pub trait Side {
        /// Whether this side goes first: it may use all slots of a new ring.
        const FIRST: bool;
    }
}

/// A side of a ring: [`Fills`] or [`Empties`].
pub trait Side: private::Side {}
impl<S: private::Side> Side for S {}

/// The side that fills slots. It may fill all slots of a new ring.
#[derive(Clone, Copy, Debug)]
pub struct Fills;

/// The side that empties slots. It may empty none of a new ring.
#[derive(Clone, Copy, Debug)]
pub struct Empties;

impl private::Side for Fills {
    const FIRST: bool = true;
}

impl private::Side for Empties {
    const FIRST: bool = false;
}

/// The counters of a ring, as side `S` sees them.
///
/// # Invariants
///
/// - `len` is a power of two, and not beyond [`MAX_LEN`].
/// - `ready`, which is `limit - counter`, is at most `len`.
#[derive(Clone, Copy, Debug)]
pub struct Index<S> {
    len: u32,
    /// The number of slots that this side is done with since the beginning.
    counter: u32,
    /// The counter at which this side has to wait for the other.
    limit: u32,
    _side: PhantomData<S>,
}

/// The side that fills slots.
pub type ProducerIndex = Index<Fills>;

/// The side that empties slots.
pub type ConsumerIndex = Index<Empties>;

impl<S: Side> Index<S> {
    /// Makes an empty ring of `len` slots, or `None` unless `len` is a power of two up to [`MAX_LEN`].
    pub const fn new(len: usize) -> Option<Self> {
        if len > MAX_LEN as usize || !len.is_power_of_two() {
            return None;
        }
        // CAST: At most `MAX_LEN`.
        let len = len as u32;
        // INVARIANT: Checked above. All slots are ready for the one side, and none for the other.
        Some(Self {
            len,
            counter: 0,
            limit: if S::FIRST { len } else { 0 },
            _side: PhantomData,
        })
    }

    /// Returns the number of slots that this side can use.
    #[inline]
    const fn ready(&self) -> u32 {
        self.limit.wrapping_sub(self.counter)
    }

    /// Returns the slot to use next, which is less than the number of slots, or `None` if this side has to
    /// wait.
    #[inline]
    pub const fn next(&self) -> Option<usize> {
        if self.ready() == 0 {
            return None;
        }
        // CAST: `usize` has at least 32 bits.
        Some((self.counter & self.len.wrapping_sub(1)) as usize)
    }

    /// Counts the next slot as used. Does nothing if this side has to wait.
    #[inline]
    pub fn advance(&mut self) {
        if self.ready() != 0 {
            // INVARIANT: A slot was ready, and `ready` is one less now.
            self.counter = self.counter.wrapping_add(1);
        }
    }

    /// Returns the counter for the other side.
    #[inline]
    pub const fn counter(&self) -> u32 {
        self.counter
    }

    /// Accepts the other side's claim that its counter is `theirs`. Returns how many slots are new.
    #[inline]
    fn accept(&mut self, theirs: u32) -> Result<u32, BadCounter> {
        let limit = if S::FIRST {
            theirs.wrapping_add(self.len)
        } else {
            theirs
        };
        let new = limit.wrapping_sub(self.limit);

        if new > self.len.wrapping_sub(self.ready()) {
            return Err(BadCounter);
        }
        // INVARIANT: `ready` becomes more by `new`, and is still at most `len` (checked above).
        self.limit = limit;
        Ok(new)
    }
}

impl ProducerIndex {
    /// Returns the number of slots that can be filled.
    #[inline]
    pub const fn room(&self) -> u32 {
        self.ready()
    }

    /// Accepts the other side's claim to have emptied `tail` slots since the beginning. Returns how many
    /// of them are new.
    #[inline]
    pub fn emptied(&mut self, tail: u32) -> Result<u32, BadCounter> {
        self.accept(tail)
    }
}

impl ConsumerIndex {
    /// Returns the number of slots that can be emptied.
    #[inline]
    pub const fn available(&self) -> u32 {
        self.ready()
    }

    /// Accepts the other side's claim to have filled `head` slots since the beginning. Returns how many
    /// of them are new.
    #[inline]
    pub fn filled(&mut self, head: u32) -> Result<u32, BadCounter> {
        self.accept(head)
    }
}
