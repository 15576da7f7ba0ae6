// SPDX-License-Identifier: GPL-2.0

//! The C callbacks of a misc device.

use super::{
    Access,
    FileOperations,
    Node, //
};
use core::{
    hint::assert_unchecked,
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    error::code::EIOCBQUEUED,
    fs::File,
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    mm::virt::VmaNew,
    module::this_module,
    prelude::*,
    sync::{
        poll::PollTable,
        ArcBorrow, //
    },
    types::ForeignOwnable, //
};

/// The file operations of `F`.
///
/// All functions but `open` are called with a file that `open` was called for, successfully, and
/// before `release` is; a file is released once. There is no `fdget_pos` region on it, since those
/// are for regular files and directories.
pub(super) struct VTable<F: FileOperations>(PhantomData<F>);

/// The value of an open file.
///
/// # Safety
///
/// `file` must be an open file of `F`, during `'a`.
unsafe fn value<'a, F: FileOperations>(file: *mut bindings::file) -> Pin<&'a F> {
    // SAFETY: By the safety requirements of this function; `open()` set the pointer, and `release()`
    // is the only one to take it back.
    unsafe { <Pin<KBox<F>> as ForeignOwnable>::borrow((*file).private_data) }
}

/// What a C function returns: the length, or an error.
///
/// C believes both. So a length is not more than there was `room` for, and `EIOCBQUEUED`, which says
/// that the driver has kept the request and will end it later, is `EIO`: no driver can keep one.
fn size(result: Result<usize>, room: usize) -> isize {
    match result {
        // CAST: What was moved is in one object, or in several whose sizes sum up to no more.
        Ok(size) => size.min(room) as isize,
        Err(error) if error == EIOCBQUEUED => EIO.to_errno() as isize,
        Err(error) => error.to_errno() as isize,
    }
}

impl<F: FileOperations> VTable<F> {
    /// # Safety
    ///
    /// `file` must be a file that is being opened, of a [`Node`] with an `Arc<F::Device>`.
    unsafe extern "C" fn open(inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: By the safety requirements of this function.
        let result = unsafe { bindings::generic_file_open(inode, file) };
        if result != 0 {
            return result;
        }

        // SAFETY: `misc_open()` has set the private data to the `misc` of a node (type invariants of
        // `Node`), and holds the lock that keeps it registered.
        let device = unsafe {
            let node = (*file).private_data.cast::<Node>();
            ArcBorrow::from_raw((*node).device.cast::<F::Device>())
        };
        // SAFETY: By the safety requirements of this function, see `VTable`.
        match F::open(device, unsafe { File::from_raw_file(file) }) {
            Ok(value) => {
                // SAFETY: The private data of a file that is being opened is ours.
                unsafe { (*file).private_data = value.into_foreign() };
                0
            }
            Err(error) => error.to_errno(),
        }
    }

    /// # Safety
    ///
    /// See [`VTable`].
    unsafe extern "C" fn release(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: See `VTable`; nobody else has the file any more.
        drop(unsafe { <Pin<KBox<F>> as ForeignOwnable>::from_foreign((*file).private_data) });
        0
    }

    /// # Safety
    ///
    /// See [`VTable`]; `iter` must be a valid destination.
    unsafe extern "C" fn read(kiocb: *mut bindings::kiocb, iter: *mut bindings::iov_iter) -> isize {
        // SAFETY: By the safety requirements of this function. They are what `from_raw()` asserts;
        // with the assumption, it has no panic path.
        let (value, mut access, to) = unsafe {
            assert_unchecked((*iter).data_source == (bindings::ITER_DEST != 0));
            (
                value::<F>((*kiocb).ki_filp),
                Access::from_raw(NonNull::new_unchecked(kiocb)),
                IovIterDest::from_raw(iter),
            )
        };
        let room = to.len();
        size(value.read(&mut access, to), room)
    }

    /// # Safety
    ///
    /// See [`VTable`]; `iter` must be a valid source.
    unsafe extern "C" fn write(
        kiocb: *mut bindings::kiocb,
        iter: *mut bindings::iov_iter,
    ) -> isize {
        // SAFETY: By the safety requirements of this function, see `read`.
        let (value, mut access, from) = unsafe {
            assert_unchecked((*iter).data_source == (bindings::ITER_SOURCE != 0));
            (
                value::<F>((*kiocb).ki_filp),
                Access::from_raw(NonNull::new_unchecked(kiocb)),
                IovIterSource::from_raw(iter),
            )
        };
        let room = from.len();
        size(value.write(&mut access, from), room)
    }

    /// # Safety
    ///
    /// See [`VTable`]; `table` must be NULL or valid.
    unsafe extern "C" fn poll(
        file: *mut bindings::file,
        table: *mut bindings::poll_table,
    ) -> bindings::__poll_t {
        // SAFETY: By the safety requirements of this function.
        let (value, file, table) = unsafe {
            (
                value::<F>(file),
                File::from_raw_file(file),
                PollTable::from_raw(table),
            )
        };
        // The queue lives as long as the value is borrowed. That is until `release()`: a function for all
        // lifetimes of `&self` is one for this, too. Who is put on the queue has the file (`poll()`,
        // `select()`, aio, io_uring), or is taken off before `release()` (`epoll`).
        table.register_wait(file, value.get_ref().poll_queue());
        value.poll(file).into_raw()
    }

    /// # Safety
    ///
    /// See [`VTable`]; `vma` must be undergoing initialisation, for this file.
    unsafe extern "C" fn mmap(
        file: *mut bindings::file,
        vma: *mut bindings::vm_area_struct,
    ) -> c_int {
        // SAFETY: By the safety requirements of this function.
        let (value, file, vma) = unsafe {
            (
                value::<F>(file),
                File::from_raw_file(file),
                VmaNew::from_raw(vma),
            )
        };
        match value.mmap(file, vma) {
            Ok(()) => 0,
            Err(error) => error.to_errno(),
        }
    }

    /// # Safety
    ///
    /// See [`VTable`].
    unsafe extern "C" fn ioctl(file: *mut bindings::file, cmd: c_uint, arg: c_ulong) -> c_long {
        // SAFETY: By the safety requirements of this function.
        let (value, file) = unsafe { (value::<F>(file), File::from_raw_file(file)) };

        match value.ioctl(file, cmd, arg) {
            Ok(result) => result as c_long,
            Err(error) => error.to_errno() as c_long,
        }
    }

    /// # Safety
    ///
    /// See [`VTable`].
    #[cfg(CONFIG_COMPAT)]
    unsafe extern "C" fn compat_ioctl(
        file: *mut bindings::file,
        cmd: c_uint,
        arg: c_ulong,
    ) -> c_long {
        // SAFETY: By the safety requirements of this function.
        let (value, file) = unsafe { (value::<F>(file), File::from_raw_file(file)) };

        match value.compat_ioctl(file, cmd, arg) {
            Ok(result) => result as c_long,
            Err(error) => error.to_errno() as c_long,
        }
    }

    const VTABLE: bindings::file_operations = bindings::file_operations {
        // Who has a file open has the module that implements it, not this one, in use.
        owner: this_module::<F::OwnerModule>().as_ptr(),
        open: Some(Self::open),
        release: Some(Self::release),
        read_iter: if F::HAS_READ { Some(Self::read) } else { None },
        write_iter: if F::HAS_WRITE {
            Some(Self::write)
        } else {
            None
        },
        poll: if F::HAS_POLL {
            assert!(F::HAS_POLL_QUEUE, "`poll` without `poll_queue`");
            Some(Self::poll)
        } else {
            assert!(!F::HAS_POLL_QUEUE, "`poll_queue` without `poll`");
            None
        },
        mmap: if F::HAS_MMAP { Some(Self::mmap) } else { None },
        unlocked_ioctl: if F::HAS_IOCTL {
            Some(Self::ioctl)
        } else {
            None
        },
        #[cfg(CONFIG_COMPAT)]
        compat_ioctl: if F::HAS_COMPAT_IOCTL {
            Some(Self::compat_ioctl)
        } else if F::HAS_IOCTL {
            bindings::compat_ptr_ioctl
        } else {
            None
        },
        ..pin_init::zeroed()
    };

    /// Returns the table.
    pub(super) const fn get() -> &'static bindings::file_operations {
        &Self::VTABLE
    }
}
