// SPDX-License-Identifier: GPL-2.0

//! Files in debugfs, in the library's folder `dma_map`.
//!
//! C header: [`include/linux/debugfs.h`](srctree/include/linux/debugfs.h)
//!
//! The files of [`kernel::debugfs`] have no owner: one that a process has open does not keep the code of
//! its operations. An open file of these holds the module.
//!
//! Without `CONFIG_DEBUG_FS` there are no files.

use kernel::{
    bindings,
    prelude::*, //
};

/// What a file shows.
#[cfg_attr(
    not(CONFIG_DEBUG_FS),
    allow(dead_code, reason = "there are no readers")
)]
pub(crate) trait Show: Sync {
    /// Writes the contents. Context: may sleep.
    fn show(&self, out: &Out);
}

/// What a write to a file starts.
#[cfg_attr(
    not(CONFIG_DMA_MAP_DEBUGFS),
    allow(dead_code, reason = "nothing is counted")
)]
pub(crate) trait Trigger: Sync {
    /// Context: may sleep.
    fn trigger(&self);
}

/// Where the contents of a file go.
///
/// The `kernel` crate's formatting could panic, so numbers and names go through C's.
///
/// # Invariants
///
/// A valid `struct seq_file`, that of the reader who is being served.
#[cfg_attr(
    not(CONFIG_DEBUG_FS),
    allow(dead_code, reason = "there are no readers")
)]
pub(crate) struct Out(*mut bindings::seq_file);

impl Out {
    /// Writes `text`, padded on the left to `width`, or on the right to `-width`.
    pub(crate) fn text(&self, width: c_int, text: &CStr) {
        // SAFETY: It is a C string.
        unsafe { self.raw_text(width, text.as_char_ptr()) };
    }

    /// Does what [`text`](Self::text) does, without a type that knows the length.
    ///
    /// # Safety
    ///
    /// `text` must be a C string.
    pub(crate) unsafe fn raw_text(&self, width: c_int, text: *const c_char) {
        // SAFETY: By the type invariant the file is valid. The format takes both arguments, and the
        // second one is a C string (function precondition).
        unsafe { bindings::seq_printf(self.0, c"%*s".as_char_ptr(), width, text) };
    }

    /// Writes `number`, padded on the left to `width`.
    pub(crate) fn number(&self, width: c_int, number: usize) {
        // SAFETY: By the type invariant the file is valid. The format takes both arguments.
        unsafe { bindings::seq_printf(self.0, c"%*zu".as_char_ptr(), width, number) };
    }
}

#[cfg(CONFIG_DEBUG_FS)]
#[cfg_attr(
    not(CONFIG_DMA_MAP_DEBUGFS),
    allow(dead_code, reason = "nothing is counted")
)]
mod files {
    use super::*;
    use crate::{
        generic::ops::Ops,
        gfp::Gfp,
        DmaMap, //
    };
    use core::{
        marker::PhantomData,
        ptr::{
            null_mut,
            NonNull, //
        },
        sync::atomic::{
            AtomicPtr,
            Ordering, //
        }, //
    };
    use kernel::module::this_module;

    /// The library's folder, while an [`Owner`] exists.
    static FOLDER: AtomicPtr<bindings::dentry> = AtomicPtr::new(null_mut());

    /// Owns the library's folder; a part of the module's data.
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

    /// A file or a folder, which is removed on drop with all that is in it.
    ///
    /// The drop waits for readers, so it may sleep.
    pub(crate) struct Entry(*mut bindings::dentry);

    // SAFETY: Any thread may call the functions of debugfs.
    unsafe impl Send for Entry {}

    // SAFETY: Any thread may call the functions of debugfs, and none changes the entry.
    unsafe impl Sync for Entry {}

    impl Entry {
        /// Makes a folder with the name of `dev`.
        ///
        /// Context: may sleep.
        ///
        /// # Safety
        ///
        /// `dev` must be a valid device, with a name.
        pub(crate) unsafe fn folder_of(dev: *mut bindings::device) -> Self {
            // SAFETY: The name of a device is a C string (function precondition), and the library's
            // folder exists, because a driver that uses the library does.
            Self(unsafe {
                bindings::debugfs_create_dir(
                    bindings::dev_name(dev),
                    FOLDER.load(Ordering::Acquire),
                )
            })
        }

        /// Makes a file in the library's folder, named after `dev` and a number, that shows `data`.
        /// Returns `None` without memory.
        ///
        /// Context: may sleep.
        ///
        /// # Safety
        ///
        /// `dev` must be a valid device, with a name. `data` must outlive the entry.
        pub(crate) unsafe fn numbered<T: Show>(
            dev: *mut bindings::device,
            number: u32,
            data: &T,
        ) -> Option<Self> {
            // SAFETY: The device's name is a valid C string, and the format takes both arguments. The
            // `kernel` crate's formatting could panic.
            let name = NonNull::new(unsafe {
                bindings::kasprintf(
                    Gfp::Kernel.as_raw(),
                    c"%s-%u".as_char_ptr(),
                    bindings::dev_name(dev),
                    number,
                )
            })?;
            let folder = FOLDER.load(Ordering::Acquire);
            // SAFETY: The name was allocated above. The table shows a `T`, and `data` is one, which
            // outlives the entry (function precondition).
            let file = unsafe { create(name.as_ptr(), 0o444, folder, data, Table::<T>::SHOW) };
            // SAFETY: Allocated above. debugfs has copied it.
            unsafe { bindings::kfree(name.as_ptr().cast()) };
            Some(Self(file))
        }

        /// Makes a file in this folder that shows `data`.
        ///
        /// Context: may sleep.
        ///
        /// # Safety
        ///
        /// `data` must outlive the folder.
        pub(crate) unsafe fn file<T: Show>(&self, name: &CStr, data: &T) {
            // SAFETY: The table shows a `T`, and `data` is one, which outlives the folder, and with it
            // the file (function precondition).
            unsafe { create(name.as_char_ptr(), 0o444, self.0, data, Table::<T>::SHOW) };
        }

        /// Makes a file in this folder of which each write triggers `data`.
        ///
        /// Context: may sleep.
        ///
        /// # Safety
        ///
        /// `data` must outlive the folder.
        pub(crate) unsafe fn trigger<T: Trigger>(&self, name: &CStr, data: &T) {
            // SAFETY: The table triggers a `T`, and `data` is one, which outlives the folder, and with
            // it the file (function precondition).
            unsafe { create(name.as_char_ptr(), 0o200, self.0, data, Table::<T>::TRIGGER) };
        }
    }

    impl Drop for Entry {
        fn drop(&mut self) {
            // SAFETY: debugfs made it, and the library's folder, which it is in, exists as long as a
            // driver uses the library. Error pointers are accepted.
            unsafe { bindings::debugfs_remove(self.0) };
        }
    }

    /// Makes a file. Its `i_private` is `data`.
    ///
    /// # Safety
    ///
    /// `name` must be a C string, and `folder` a folder of debugfs or an error pointer. `operations`
    /// must be for files whose `i_private` is a `T`, and `data` must outlive the file.
    unsafe fn create<T>(
        name: *const c_char,
        mode: bindings::umode_t,
        folder: *mut bindings::dentry,
        data: &T,
        operations: &'static Ops<bindings::file_operations>,
    ) -> *mut bindings::dentry {
        // SAFETY: By the preconditions of this function. debugfs calls no operation after the removal
        // but the release, which uses no data.
        unsafe {
            bindings::debugfs_create_file_full(
                name,
                mode,
                folder,
                core::ptr::from_ref(data).cast_mut().cast(),
                core::ptr::null(),
                operations.as_ptr(),
            )
        }
    }

    /// The operations of files of a `T`.
    struct Table<T>(PhantomData<T>);

    impl<T: Show> Table<T> {
        const SHOW: &'static Ops<bindings::file_operations> =
            &Ops::new(bindings::file_operations {
                owner: this_module::<DmaMap>().as_ptr(),
                open: Some(open::<T>),
                read: Some(bindings::seq_read),
                llseek: Some(bindings::seq_lseek),
                release: Some(bindings::single_release),
                ..pin_init::zeroed()
            });
    }

    impl<T: Trigger> Table<T> {
        const TRIGGER: &'static Ops<bindings::file_operations> =
            &Ops::new(bindings::file_operations {
                owner: this_module::<DmaMap>().as_ptr(),
                open: Some(bindings::simple_open),
                write: Some(write::<T>),
                ..pin_init::zeroed()
            });
    }

    /// # Safety
    ///
    /// Called by debugfs, with a file whose `i_private` is a `T`.
    unsafe extern "C" fn open<T: Show>(
        inode: *mut bindings::inode,
        file: *mut bindings::file,
    ) -> c_int {
        // SAFETY: debugfs passes a valid inode and file, and `i_private` is what `show` takes.
        unsafe { bindings::single_open(file, Some(show::<T>), (*inode).i_private) }
    }

    /// # Safety
    ///
    /// Called by `seq_file`, with what [`open`] gave it.
    unsafe extern "C" fn show<T: Show>(file: *mut bindings::seq_file, _: *mut c_void) -> c_int {
        // SAFETY: `open` has passed a `T`, which outlives the reads of its file.
        let data = unsafe { &*(*file).private.cast::<T>() };

        // INVARIANT: The file is that of the reader.
        data.show(&Out(file));
        0
    }

    /// # Safety
    ///
    /// Called by debugfs, with a file whose `i_private` is a `T`, and that `simple_open()` opened.
    unsafe extern "C" fn write<T: Trigger>(
        file: *mut bindings::file,
        _: *const c_char,
        count: usize,
        _: *mut bindings::loff_t,
    ) -> isize {
        // SAFETY: The private data is that of the inode: a `T`, which outlives the writes to its file.
        let data = unsafe { &*(*file).private_data.cast::<T>() };

        data.trigger();
        // CAST: The kernel limits a write to what the result can hold.
        count as isize
    }
}

#[cfg(not(CONFIG_DEBUG_FS))]
mod files {
    use super::*;

    /// A folder, without debugfs.
    pub(crate) struct Owner;

    impl Owner {
        pub(crate) fn new() -> Self {
            Self
        }
    }

    /// A file, without debugfs.
    pub(crate) struct Entry;

    impl Entry {
        /// # Safety
        ///
        /// None.
        pub(crate) unsafe fn numbered<T: Show>(
            _dev: *mut bindings::device,
            _number: u32,
            _data: &T,
        ) -> Option<Self> {
            None
        }
    }
}

pub(crate) use self::files::{
    Entry,
    Owner, //
};
