// SPDX-License-Identifier: GPL-2.0

//! Sections with interrupts off: how long the library is in one at a time.
//!
//! It does that in one place, for the reserve of a pool, and says there how long, while it is asked.

use crate::{
    columns::Column,
    request::Request,
    run::{
        able,
        prepare, //
    },
    threads, //
};
use dma_map::DmaDevice;
use kernel::prelude::*;

extern "C" {
    fn dma_map_helper_unwatch_sections() -> u64;
    fn dma_map_helper_watch_sections();
}

/// Runs an operation once, and returns the longest section from when its pool is made to when that is
/// gone, in the units of [`Span::cycles`](threads::Span::cycles); `None` if nobody does it with a pool.
///
/// # Errors
///
/// Those of the operation, and of starting threads.
pub(crate) fn longest(dev: DmaDevice<'_>, request: &Request<'_>) -> Result<Option<u64>> {
    // SAFETY: The function has no preconditions; runs take turns.
    unsafe { dma_map_helper_watch_sections() };
    let done = whole(dev, request);
    // SAFETY: As above.
    let cycles = unsafe { dma_map_helper_unwatch_sections() };

    done.map(|done| done.map(|()| cycles))
}

fn whole(dev: DmaDevice<'_>, request: &Request<'_>) -> Result<Option<()>> {
    let opened = able(Column::Pool.open(request.operation, dev, request.live))?;
    let Some(shared) = opened else {
        return Ok(None);
    };
    let mut all = prepare(&*shared, request.threads)?;
    threads::run(&mut all, request.loops)?;
    Ok(Some(()))
}
