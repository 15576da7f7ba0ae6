// SPDX-License-Identifier: GPL-2.0

//! Numbers in the names of the device nodes.

use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Full,
        Relaxed, //
    }, //
};

/// The largest number of devices at a time.
const MAX: usize = 1024;

const BITS: usize = u64::BITS as usize;

/// A bit for each number, set while it is taken.
static TAKEN: [Atomic<u64>; MAX / BITS] = [const { Atomic::new(0) }; MAX / BITS];

/// A number that is taken; its drop frees it.
pub(crate) struct Number {
    word: &'static Atomic<u64>,
    bit: u32,
    number: usize,
}

impl Number {
    /// Takes the smallest number that is free.
    ///
    /// # Errors
    ///
    /// `ENOSPC` if there is none.
    pub(crate) fn take() -> Result<Self> {
        for (i, word) in TAKEN.iter().enumerate() {
            let mut old = word.load(Relaxed);

            while old != u64::MAX {
                let bit = old.trailing_ones();
                match word.cmpxchg(old, old | 1 << bit, Full) {
                    Ok(_) => {
                        return Ok(Self {
                            word,
                            bit,
                            // CAST: Less than 64.
                            number: i * BITS + bit as usize,
                        });
                    }
                    Err(now) => old = now,
                }
            }
        }
        Err(ENOSPC)
    }

    /// Returns the number.
    pub(crate) fn get(&self) -> usize {
        self.number
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        let mut old = self.word.load(Relaxed);

        while let Err(now) = self.word.cmpxchg(old, old & !(1 << self.bit), Full) {
            old = now;
        }
    }
}
