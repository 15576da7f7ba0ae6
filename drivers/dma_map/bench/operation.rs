// SPDX-License-Identifier: GPL-2.0

//! What an operation is, for whoever does it.

use dma_map::DmaDevice;
use kernel::prelude::*;

/// An operation of one column.
pub(crate) struct Operation {
    /// The name, which it has in all columns.
    pub(crate) name: &'static str,
    pub(crate) open: Open,
}

/// Makes what all threads share, with a number of other mappings that are held meanwhile.
///
/// # Errors
///
/// - `EOPNOTSUPP`: the column cannot do it on this device, or hold others meanwhile.
/// - Those of the operation.
pub(crate) type Open = for<'b> fn(DmaDevice<'b>, usize) -> Result<KBox<dyn Opened + 'b>>;

/// What all threads share.
pub(crate) trait Opened: Send + Sync {
    /// Makes what one thread has to itself.
    fn prepare(&self) -> Result<KBox<dyn Prepared + '_>>;
}

/// What one thread has to itself.
pub(crate) trait Prepared: Send {
    /// Does the operation `loops` times, and nothing else.
    fn run(&mut self, loops: usize) -> Result;
}

/// The function with the loop of an operation on `S`: one symbol each, to be looked at.
pub(crate) type Entry<S> = fn(&mut S, usize) -> Result;
