// SPDX-License-Identifier: GPL-2.0

//! Operations of the benchmark.

use dma_map::DmaDevice;
use kernel::prelude::*;

/// An operation of one column.
pub(crate) struct Operation {
    /// The name, which it has in all columns.
    pub(crate) name: &'static str,
    pub(crate) open: Open,
}

/// Sets up an operation for all threads, with a number of other mappings that stay mapped meanwhile.
///
/// # Errors
///
/// - `EOPNOTSUPP`: the column cannot do it on this device, or with live mappings.
/// - Those of the operation.
pub(crate) type Open = for<'b> fn(DmaDevice<'b>, usize) -> Result<KBox<dyn Opened + 'b>>;

/// State that all threads share.
pub(crate) trait Opened: Send + Sync {
    /// Makes the state of one thread.
    fn prepare(&self) -> Result<KBox<dyn Prepared + '_>>;
}

/// State of one thread.
pub(crate) trait Prepared: Send {
    /// Does the operation `loops` times, and nothing else.
    fn run(&mut self, loops: usize) -> Result;
}

/// The function with the loop of an operation on `S`: a symbol of its own, so that its code can be found.
pub(crate) type Entry<S> = fn(&mut S, usize) -> Result;
