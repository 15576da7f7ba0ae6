// SPDX-License-Identifier: GPL-2.0

//! Sections with interrupts off, and the longest one.
//!
//! The library has them in one place, for the reserve of a pool, and measures them there while they
//! are watched.

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

/// Runs an operation once, and returns the longest section from when its pool is made to when it is
/// gone, in the units of [`Span::cycles`](threads::Span::cycles); `None` if no pool has the operation.
///
/// # Errors
///
/// Those of the operation, and of starting threads.
pub(crate) fn longest(dev: DmaDevice<'_>, request: &Request<'_>) -> Result<Option<u64>> {
    // SAFETY: The function has no preconditions. The caller makes one run at a time.
    unsafe { dma_map_helper_watch_sections() };
    let done = whole(dev, request);
    // SAFETY: The function has no preconditions.
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
