// SPDX-License-Identifier: GPL-2.0

//! Requests that are written to `run`.

use kernel::prelude::*;

/// The largest number of threads.
const MAX_THREADS: usize = 256;

/// `<operation> <loops> <rounds> [<threads> [<live>]]`
pub(crate) struct Request<'t> {
    pub(crate) operation: &'t str,
    /// How often each thread does the operation in a round.
    pub(crate) loops: usize,
    /// How many rounds each column runs.
    pub(crate) rounds: usize,
    pub(crate) threads: usize,
    /// How many other mappings stay mapped meanwhile.
    pub(crate) live: usize,
}

impl<'t> Request<'t> {
    /// Parses a request.
    ///
    /// # Errors
    ///
    /// `EINVAL`: too few or too many words, not a number, 0 loops, rounds or threads, or more than
    /// [`MAX_THREADS`].
    pub(crate) fn parse(text: &'t str) -> Result<Self> {
        let mut words = text.split_ascii_whitespace();
        let operation = words.next().ok_or(EINVAL)?;
        let mut number = |default: Option<usize>| match words.next() {
            Some(word) => word.parse().map_err(|_| EINVAL),
            None => default.ok_or(EINVAL),
        };

        let request = Self {
            operation,
            loops: number(None)?,
            rounds: number(None)?,
            threads: number(Some(1))?,
            live: number(Some(0))?,
        };
        let sensible = request.loops != 0
            && request.rounds != 0
            && (1..=MAX_THREADS).contains(&request.threads)
            && words.next().is_none();
        sensible.then_some(request).ok_or(EINVAL)
    }
}
