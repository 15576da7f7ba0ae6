// SPDX-License-Identifier: GPL-2.0

//! Counters of a mapped pool, and its debugfs file.
//!
//! The files are `dma_map/<device>-<number>` in debugfs. If not all buffers of a pool come back, its
//! file stays, and shows what was leaked.

use super::slot::Cache;
use core::sync::atomic::Ordering::Relaxed;

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

#[cfg(CONFIG_DEBUG_FS)]
mod files {
    use super::super::store::Store;
    use crate::{
        generic::ops::Ops,
        gfp::Gfp,
        DmaMap, //
    };
    use core::{
        ptr::{
            null_mut,
            NonNull, //
        },
        sync::atomic::{
            AtomicPtr,
            AtomicU32,
            Ordering, //
        }, //
    };
    use kernel::{
        bindings,
        module::this_module,
        prelude::*, //
    };

    /// The directory, while an [`Owner`] exists.
    static FOLDER: AtomicPtr<bindings::dentry> = AtomicPtr::new(null_mut());

    /// The number of the next file. No name is used twice.
    static NEXT: AtomicU32 = AtomicU32::new(0);

    /// Owns the directory; a part of the module's data.
    pub(crate) struct Owner;

    impl Owner {
        pub(crate) fn new() -> Self {
            // SAFETY: The name is a C string. Functions of debugfs accept the result, also an error
            // pointer.
            let folder =
                unsafe { bindings::debugfs_create_dir(c"dma_map".as_char_ptr(), null_mut()) };
            FOLDER.store(folder, Ordering::Release);
            Self
        }
    }

    impl Drop for Owner {
        fn drop(&mut self) {
            // SAFETY: Made by `new`. Waits for readers of the files in it, and removes them.
            unsafe { bindings::debugfs_remove(FOLDER.swap(null_mut(), Ordering::AcqRel)) };
        }
    }

    /// A file, which is removed on drop.
    pub(in super::super) struct Entry(*mut bindings::dentry);

    impl Entry {
        /// Makes a file that shows the counters of `store`, or returns `None`.
        ///
        /// Context: may sleep.
        pub(in super::super) fn new(store: &Store) -> Option<Self> {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            // SAFETY: The device is bound, its name is a valid C string, and the format takes both
            // arguments. The `kernel` crate's formatting could panic.
            let name = NonNull::new(unsafe {
                bindings::kasprintf(
                    Gfp::Kernel.as_raw(),
                    c"%s-%u".as_char_ptr(),
                    bindings::dev_name(store.dev.as_raw()),
                    number,
                )
            })?;

            // SAFETY: The arguments are valid. The store outlives the file: its teardown removes the
            // file, or the store is leaked.
            let entry = unsafe {
                bindings::debugfs_create_file_full(
                    name.as_ptr(),
                    0o444,
                    FOLDER.load(Ordering::Acquire),
                    core::ptr::from_ref(store).cast_mut().cast(),
                    core::ptr::null(),
                    OPERATIONS.as_ptr(),
                )
            };
            // SAFETY: Allocated above. debugfs has copied it.
            unsafe { bindings::kfree(name.as_ptr().cast()) };
            Some(Self(entry))
        }
    }

    impl Drop for Entry {
        fn drop(&mut self) {
            // SAFETY: Made by `new`; waits for readers. The module's directory exists, because a driver
            // that uses the module does.
            unsafe { bindings::debugfs_remove(self.0) };
        }
    }

    static OPERATIONS: Ops<bindings::file_operations> = Ops::new(bindings::file_operations {
        owner: this_module::<DmaMap>().as_ptr(),
        open: Some(open),
        read: Some(bindings::seq_read),
        llseek: Some(bindings::seq_lseek),
        release: Some(bindings::single_release),
        ..pin_init::zeroed()
    });

    /// # Safety
    ///
    /// Called by debugfs, with a file that [`Entry::new`] made.
    unsafe extern "C" fn open(inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: debugfs passes a valid inode and file, and `i_private` is the store.
        unsafe { bindings::single_open(file, Some(show), (*inode).i_private) }
    }

    /// # Safety
    ///
    /// Called by `seq_file`, with what [`open`] gave it.
    unsafe extern "C" fn show(file: *mut bindings::seq_file, _: *mut c_void) -> c_int {
        // SAFETY: `open` has passed the store, which outlives the reads of its file.
        let store = unsafe { &*(*file).private.cast::<Store>() };
        let stats = store.stats();

        // SAFETY: The format takes the argument, a C string: the last byte of the name is 0.
        unsafe {
            bindings::seq_printf(file, c"name: %s\n".as_char_ptr(), store.name.as_ptr());
        }
        for (name, value) in [
            (c"size", store.layout.size),
            (c"cache", store.layout.capacity),
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
            // SAFETY: The format takes both arguments.
            unsafe {
                bindings::seq_printf(file, c"%s: %zu\n".as_char_ptr(), name.as_char_ptr(), value);
            }
        }
        0
    }
}

#[cfg(not(CONFIG_DEBUG_FS))]
mod files {
    use super::super::store::Store;

    /// A directory, without debugfs.
    pub(crate) struct Owner;

    impl Owner {
        pub(crate) fn new() -> Self {
            Self
        }
    }

    /// A file, without debugfs.
    pub(in super::super) struct Entry;

    impl Entry {
        pub(in super::super) fn new(_store: &Store) -> Option<Self> {
            None
        }
    }
}

pub(super) use self::files::Entry;
pub(crate) use self::files::Owner;
