// SPDX-License-Identifier: GPL-2.0

//! Counts of a device's handles, for people: by kind, in debugfs. With `CONFIG_DMA_MAP_DEBUGFS` only.
//!
//! The module's parameter `count_handles` says whether the bindings that begin from then on are
//! counted. A binding is counted from its begin to its end or not at all, so that what is made and what
//! is ended match. The counts are in the folder `dma_map/<device>` of debugfs:
//!
//! - `handles`: for each kind what is live, what was live at most, and what was made.
//! - `pools`: the counters of each [`MappedPool`](crate::MappedPool).
//! - `reset`: after a write, what was live at most is what is live then.
//!
//! No address is shown, and no lock is taken where a handle is made or ended.
//!
//! The cost:
//!
//! - Without the option: none. What this module offers is empty, and compiles to nothing.
//! - While no device is counted: a static branch, where a handle is made and where it ends.
//! - While one is: for each handle of any device a call and a check, and for those of that device
//!   atomic operations on its counters.

use crate::sys::debugfs::Out;
use kernel::prelude::*;

#[cfg(CONFIG_DMA_MAP_DEBUGFS)]
mod table;

/// A kind of handle: its line in the file.
#[derive(Clone, Copy)]
#[cfg_attr(not(CONFIG_DMA_MAP_DEBUGFS), allow(dead_code, reason = "nobody looks"))]
pub struct Kind(usize);

impl Kind {
    pub(crate) const COHERENT: Self = Self(0);
    pub(crate) const COHERENT_HANDLE: Self = Self(1);
    pub(crate) const MAPPING: Self = Self(2);
    pub(crate) const LENT: Self = Self(3);
    pub(crate) const MMIO: Self = Self(4);
    pub(crate) const SG: Self = Self(5);
    pub(crate) const IOVA: Self = Self(6);
    pub(crate) const PAGES: Self = Self(7);
    pub(crate) const NONCONTIGUOUS: Self = Self(8);
    pub(crate) const BLOCK: Self = Self(9);
    pub(crate) const BUFFER: Self = Self(10);
}

/// The names that drivers know, by kind.
#[cfg_attr(not(CONFIG_DMA_MAP_DEBUGFS), allow(dead_code, reason = "nobody looks"))]
const NAMES: [&CStr; 11] = [
    c"DmaCoherent",
    c"CoherentHandle",
    c"DmaMapping",
    c"with_mapped",
    c"MmioMapping",
    c"SgMapping",
    c"IovaMapping",
    c"DmaPages",
    c"DmaNoncontiguous",
    c"PoolBlock",
    c"MappedBuffer",
];

/// What happens to a handle.
#[derive(Clone, Copy)]
pub enum Change {
    Made,
    Ended,
}

/// A pool that a file of its device shows in one line.
#[cfg_attr(not(CONFIG_DMA_MAP_DEBUGFS), allow(dead_code, reason = "nobody looks"))]
#[derive(Clone, Copy)]
pub(crate) struct PoolLine {
    pub(crate) pool: *const c_void,
    /// Writes the names of the columns.
    pub(crate) head: fn(&Out),
    /// Writes the line of `pool`.
    pub(crate) show: unsafe fn(*const c_void, &Out),
}

#[cfg(CONFIG_DMA_MAP_DEBUGFS)]
mod counted {
    use super::{
        table::Table,
        *, //
    };
    use core::{
        ptr::NonNull,
        sync::atomic::Ordering::Relaxed, //
    };
    use kernel::{
        bindings,
        static_branch_unlikely, //
    };

    /// A C `struct static_key_false`, with a field, as [`static_branch_unlikely`] wants it.
    #[repr(transparent)]
    struct Key {
        key: bindings::static_key_false,
    }

    // The declarations are those of `counting.c` and `helpers.h`.
    extern "C" {
        static dma_map_counting: Key;

        /// Returns whether a binding that begins is counted. If so, the key is on until
        /// [`end_counting`].
        #[link_name = "dma_map_helper_begin_counting"]
        fn begin_counting() -> bool;

        #[link_name = "dma_map_helper_end_counting"]
        fn end_counting();
    }

    /// Returns whether the handles of some device are counted. Context: any.
    #[inline(always)]
    pub(crate) fn on() -> bool {
        // SAFETY: The key is a static key that C defines.
        unsafe { static_branch_unlikely!(dma_map_counting, Key, key) }
    }

    /// The counts of a binding, if it is counted.
    ///
    /// # Invariants
    ///
    /// What it points to exists until [`end`](Self::end), which is the last use of this.
    pub(crate) struct Counts(Option<NonNull<Table>>);

    impl Counts {
        pub(crate) const NONE: Self = Self(None);

        /// Begins the counts of a binding of `dev`. Without memory it is not counted.
        ///
        /// Context: may sleep.
        ///
        /// # Safety
        ///
        /// `dev` must be a valid device, and [`end`](Self::end) must be called before it is gone.
        pub(crate) unsafe fn begin(dev: *mut bindings::device) -> Self {
            // SAFETY: The device is being bound, which may sleep. `end` or the error below ends it.
            if !unsafe { begin_counting() } {
                return Self::NONE;
            }
            // SAFETY: The device is valid until `end` (function precondition).
            match unsafe { Table::new(dev) } {
                // INVARIANT: The table exists until `end` drops it.
                //
                // SAFETY: The table is not moved from here on.
                Ok(table) => Self(Some(NonNull::from(KBox::leak(unsafe {
                    Pin::into_inner_unchecked(table)
                })))),
                Err(_) => {
                    // SAFETY: It began above.
                    unsafe { end_counting() };
                    Self::NONE
                }
            }
        }

        /// Ends the counts, and waits for readers.
        ///
        /// Context: may sleep.
        ///
        /// # Safety
        ///
        /// Must be called once, as the last use.
        pub(crate) unsafe fn end(&self) {
            if let Some(table) = self.0 {
                // SAFETY: `begin` made it from a pinned box. Nothing uses it any more (function
                // precondition), but readers of its files, for whom its drop waits.
                unsafe {
                    drop(Pin::new_unchecked(KBox::from_raw(table.as_ptr())));
                    end_counting();
                }
            }
        }

        #[inline]
        fn table(&self) -> Option<&Table> {
            // SAFETY: By the type invariant the table exists.
            self.0.map(|table| unsafe { table.as_ref() })
        }

        /// Counts a handle. Context: any.
        #[cold]
        #[inline(never)]
        pub(crate) fn count(&self, change: Change, kind: Kind, bytes: usize) {
            if let Some(table) = self.table() {
                table.count(change, kind, bytes);
            }
        }

        /// Counts a quarantine. Context: any.
        pub(crate) fn quarantine(&self, bytes: usize) {
            if let Some(table) = self.table().filter(|_| bytes != 0) {
                table.quarantines.fetch_add(1, Relaxed);
                table.quarantined.fetch_add(bytes, Relaxed);
            }
        }

        /// Shows a pool's line. Without memory it is not shown.
        ///
        /// Context: may sleep.
        ///
        /// # Safety
        ///
        /// The line must be valid until [`hide`](Self::hide), or else as long as the binding.
        pub(crate) unsafe fn show(&self, line: PoolLine) {
            if let Some(table) = self.table() {
                // SAFETY: By the precondition of this function.
                unsafe { table.pools.add(line) };
            }
        }

        /// Shows the line of `pool` no more. Context: may sleep.
        pub(crate) fn hide(&self, pool: *const c_void) {
            if let Some(table) = self.table() {
                table.pools.remove(pool);
            }
        }
    }
}

#[cfg(not(CONFIG_DMA_MAP_DEBUGFS))]
mod counted {
    use super::*;
    use kernel::bindings;

    #[inline(always)]
    pub(crate) const fn on() -> bool {
        false
    }

    /// The counts of a binding that is not counted.
    pub(crate) struct Counts;

    impl Counts {
        pub(crate) const NONE: Self = Self;

        /// # Safety
        ///
        /// None.
        #[inline(always)]
        pub(crate) unsafe fn begin(_dev: *mut bindings::device) -> Self {
            Self
        }

        /// # Safety
        ///
        /// None.
        #[inline(always)]
        pub(crate) unsafe fn end(&self) {}

        #[inline(always)]
        pub(crate) fn count(&self, _change: Change, _kind: Kind, _bytes: usize) {}

        #[inline(always)]
        pub(crate) fn quarantine(&self, _bytes: usize) {}

        /// # Safety
        ///
        /// None.
        #[inline(always)]
        pub(crate) unsafe fn show(&self, _line: PoolLine) {}

        #[inline(always)]
        pub(crate) fn hide(&self, _pool: *const c_void) {}
    }
}

pub(crate) use self::counted::{
    on,
    Counts, //
};
