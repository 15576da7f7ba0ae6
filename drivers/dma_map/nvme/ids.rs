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

/// A bit for each number, set while it is taken.
static TAKEN: Atomic<u64> = Atomic::new(0);

/// A number that is taken; its drop frees it.
pub(crate) struct Number(u32);

impl Number {
    /// Takes the smallest number that is free.
    ///
    /// # Errors
    ///
    /// `ENOSPC` if there is none.
    pub(crate) fn take() -> Result<Self> {
        let mut old = TAKEN.load(Relaxed);

        loop {
            let number = old.trailing_ones();
            let bit = 1u64.checked_shl(number).ok_or(ENOSPC)?;
            match TAKEN.cmpxchg(old, old | bit, Full) {
                Ok(_) => return Ok(Self(number)),
                Err(now) => old = now,
            }
        }
    }

    /// Returns the number.
    pub(crate) fn get(&self) -> u32 {
        self.0
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        let bit = 1u64.checked_shl(self.0).unwrap_or(0);
        let mut old = TAKEN.load(Relaxed);

        while let Err(now) = TAKEN.cmpxchg(old, old & !bit, Full) {
            old = now;
        }
    }
}
