// SPDX-License-Identifier: GPL-2.0

//! Counters of a mapped pool, and its debugfs files.
//!
//! The files are `dma_map/<device>-<number>` in debugfs. If not all buffers of a pool come back, its
//! file stays, and shows what was leaked. If the handles of the device are
//! [counted](crate::device::counts), the file `pools` of the device shows a line for each of its pools.

use super::{
    slot::Cache,
    store::Store, //
};
use crate::{
    device::counts::PoolLine,
    sys::debugfs::{
        Entry,
        Out,
        Show, //
    },
};
use core::sync::atomic::{
    AtomicU32,
    Ordering::Relaxed, //
};
use kernel::prelude::*;

/// The number of buffers in each place, and of the calls with each result.
///
/// The counters are read while other CPUs take and put, so they are consistent only if nobody does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MappedPoolStats {
    /// The maximum number of buffers.
    pub max: usize,
    /// Buffers that were allocated; they stay allocated.
    pub allocated: usize,
    /// Of those, the ones that drivers own, or have leaked.
    pub in_use: usize,
    /// Those in the caches of CPUs.
    pub cached: usize,
    /// Those in the reserve, for all CPUs.
    pub reserve: usize,
    /// Those of devices that could not be stopped.
    pub quarantined: usize,
    /// Calls that found a buffer in the cache.
    pub hits: usize,
    /// Calls that did not.
    pub misses: usize,
    /// Of those, calls that found some in the reserve.
    pub refills: usize,
    /// Calls that put some back into the reserve, because the cache was full.
    pub flushes: usize,
    /// Calls that found no buffer at all (`EBUSY`).
    pub exhausted: usize,
}

impl MappedPoolStats {
    pub(super) fn add(&mut self, cache: &Cache) {
        for (sum, counter) in [
            (&mut self.hits, &cache.hits),
            (&mut self.misses, &cache.misses),
            (&mut self.refills, &cache.refills),
            (&mut self.flushes, &cache.flushes),
        ] {
            *sum = sum.wrapping_add(counter.load(Relaxed));
        }
        self.cached = self.cached.wrapping_add(cache.list.len());
    }
}

/// The number of the next file. No name is used twice.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Makes a file that shows the counters of `store`, and a line in the file of its device. What there is
/// no memory for is missing. [`hide`] removes both.
///
/// Context: may sleep.
pub(super) fn show(store: &Store) -> Option<Entry> {
    let number = NEXT.fetch_add(1, Relaxed);
    let line = PoolLine {
        pool: core::ptr::from_ref(store).cast(),
        head: show_head,
        show: show_line,
    };

    // SAFETY: The device is bound. The teardown of the store hides it, or the store is leaked.
    unsafe {
        store.dev.binding().counts().show(line);
        Entry::numbered(store.dev.as_raw(), number, store)
    }
}

/// Removes the file of `store` and its line, and waits for readers. The device is bound: a store that
/// outlives the binding is leaked.
///
/// Context: may sleep.
pub(super) fn hide(store: &Store) {
    let counts = store.dev.binding().counts();

    counts.hide(core::ptr::from_ref(store).cast());
    drop(store.entry.take());
}

impl Show for Store {
    fn show(&self, out: &Out) {
        let stats = self.stats();

        out.text(0, c"name: ");
        // SAFETY: The last byte of the name is 0.
        unsafe { out.raw_text(0, self.name.as_ptr()) };
        out.text(0, c"\n");
        for (name, value) in [
            (c"size", self.layout.size),
            (c"cache", self.layout.capacity),
            (c"max", stats.max),
            (c"allocated", stats.allocated),
            (c"in_use", stats.in_use),
            (c"cached", stats.cached),
            (c"reserve", stats.reserve),
            (c"quarantined", stats.quarantined),
            (c"hits", stats.hits),
            (c"misses", stats.misses),
            (c"refills", stats.refills),
            (c"flushes", stats.flushes),
            (c"exhausted", stats.exhausted),
        ] {
            out.text(0, name);
            out.text(0, c": ");
            out.number(0, value);
            out.text(0, c"\n");
        }
    }
}

/// The width of the name's column in the file of the device.
const NAME: c_int = -16;

/// Writes the names of the columns.
fn show_head(out: &Out) {
    out.text(NAME, c"pool");
    for (width, name, _) in columns(0, &MappedPoolStats::default()) {
        out.text(width, name);
    }
    out.text(0, c"\n");
}

/// Writes the line of a pool.
///
/// # Safety
///
/// `store` must be a [`Store`].
unsafe fn show_line(store: *const c_void, out: &Out) {
    // SAFETY: By the precondition of this function.
    let store = unsafe { &*store.cast::<Store>() };

    // SAFETY: The last byte of the name is 0.
    unsafe { out.raw_text(NAME, store.name.as_ptr()) };
    for (width, _, value) in columns(store.layout.size, &store.stats()) {
        out.number(width, value);
    }
    out.text(0, c"\n");
}

/// The columns: width, name, value.
fn columns(size: usize, stats: &MappedPoolStats) -> [(c_int, &'static CStr, usize); 12] {
    [
        (8, c"size", size),
        (7, c"max", stats.max),
        (10, c"allocated", stats.allocated),
        (7, c"in_use", stats.in_use),
        (7, c"cached", stats.cached),
        (8, c"reserve", stats.reserve),
        (12, c"quarantined", stats.quarantined),
        (12, c"hits", stats.hits),
        (8, c"misses", stats.misses),
        (8, c"refills", stats.refills),
        (8, c"flushes", stats.flushes),
        (10, c"exhausted", stats.exhausted),
    ]
}
