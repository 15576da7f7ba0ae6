// SPDX-License-Identifier: GPL-2.0

//! The `struct file_operations` of a misc device.

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
        Arc,
        ArcBorrow, //
    },
    types::ForeignOwnable, //
};

/// The file operations of `F`.
///
/// The kernel calls all functions but `open` with a file that `open` succeeded for and that is not
/// released. It releases a file once. There is no `fdget_pos` region on the file, since those are for
/// regular files and directories.
pub(super) struct VTable<F: FileOperations>(PhantomData<F>);

/// Returns the value of an open file, and the file.
///
/// # Safety
///
/// `file` must be an open file of `F` during `'a`.
unsafe fn opened<'a, F: FileOperations>(file: *mut bindings::file) -> (Pin<&'a F>, &'a File) {
    // SAFETY: `file` is open (function precondition), without an `fdget_pos` region, see `VTable`. So
    // `open()` has set the pointer, and `release()`, which alone takes it back, has not run.
    unsafe {
        (
            <Pin<KBox<F>> as ForeignOwnable>::borrow((*file).private_data),
            File::from_raw_file(file),
        )
    }
}

/// Returns what C expects: the length, or a negative errno.
///
/// C trusts both. So the length is at most `room`, and `EIOCBQUEUED` becomes `EIO`: it would mean that
/// the driver completes the request later, and drivers have no way to keep one.
fn size(result: Result<usize>, room: usize) -> isize {
    match result {
        // CAST: The length is at most that of one iterator, which fits `isize`.
        Ok(size) => size.min(room) as isize,
        Err(error) if error == EIOCBQUEUED => EIO.to_errno() as isize,
        Err(error) => error.to_errno() as isize,
    }
}

/// Returns what C expects: 0, or a negative errno.
fn errno(result: Result) -> c_int {
    result.map_or_else(|error| error.to_errno(), |()| 0)
}

/// Returns what C expects: the result of an ioctl, or a negative errno.
fn long(result: Result<isize>) -> c_long {
    result.unwrap_or_else(|error| error.to_errno() as isize) as c_long
}

impl<F: FileOperations> VTable<F> {
    /// # Safety
    ///
    /// `file` must be a file that is being opened, of a [`Node`] with an `Arc<F::Device>`.
    unsafe extern "C" fn open(inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: `misc_open()` passes a valid inode and file (function precondition).
        let result = unsafe { bindings::generic_file_open(inode, file) };
        if result != 0 {
            return result;
        }

        // SAFETY: `misc_open()` has set the private data to the `misc` of a node, its first field (type
        // invariant of `Node`), and holds the lock that keeps it registered. Its device was an `Arc` of
        // this type (type invariant).
        let device = unsafe {
            let node = &*(*file).private_data.cast::<Node>();
            ArcBorrow::from_raw(Arc::as_ptr(&node.device).cast::<F::Device>())
        };
        // SAFETY: The file is valid during the call, without an `fdget_pos` region, see `VTable`.
        let value = F::open(device, unsafe { File::from_raw_file(file) });
        errno(value.map(|value| {
            // SAFETY: The private data of a file that is being opened belongs to `open()`.
            unsafe { (*file).private_data = value.into_foreign() }
        }))
    }

    /// # Safety
    ///
    /// See [`VTable`].
    unsafe extern "C" fn release(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: `open()` has set the pointer, and the kernel releases a file once, after all other
        // calls.
        drop(unsafe { <Pin<KBox<F>> as ForeignOwnable>::from_foreign((*file).private_data) });
        0
    }

    /// # Safety
    ///
    /// See [`VTable`]; `iter` must be a valid destination.
    unsafe extern "C" fn read(kiocb: *mut bindings::kiocb, iter: *mut bindings::iov_iter) -> isize {
        // SAFETY: `kiocb`, its open file and `iter`, a destination, are valid during the call (function
        // preconditions). `from_raw()` asserts the direction of `iter`; with the assumption it has no
        // panic path.
        let ((value, _), mut access, to) = unsafe {
            assert_unchecked((*iter).data_source == (bindings::ITER_DEST != 0));
            (
                opened::<F>((*kiocb).ki_filp),
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
        // SAFETY: `kiocb`, its open file and `iter`, a source, are valid during the call (function
        // preconditions); the assumption is as in `read`.
        let ((value, _), mut access, from) = unsafe {
            assert_unchecked((*iter).data_source == (bindings::ITER_SOURCE != 0));
            (
                opened::<F>((*kiocb).ki_filp),
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
        // SAFETY: `file` is open, and `table` is NULL or valid, during the call (function
        // preconditions).
        let ((value, file), table) = unsafe { (opened::<F>(file), PollTable::from_raw(table)) };
        // The queue lives as long as the value is borrowed, and `poll_queue` works for every lifetime
        // of `&self`, so also for the one that ends with `release()`. A waiter on the queue holds the
        // file (`poll()`, `select()`, aio, io_uring), or is removed before `release()` (`epoll`).
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
        // SAFETY: `file` is open during the call, and `vma` is being initialised (function
        // preconditions).
        let ((value, file), vma) = unsafe { (opened::<F>(file), VmaNew::from_raw(vma)) };
        errno(value.mmap(file, vma))
    }

    /// # Safety
    ///
    /// See [`VTable`].
    unsafe extern "C" fn ioctl(file: *mut bindings::file, cmd: c_uint, arg: c_ulong) -> c_long {
        // SAFETY: `file` is open during the call (function precondition).
        let (value, file) = unsafe { opened::<F>(file) };

        long(value.ioctl(file, cmd, arg))
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
        // SAFETY: `file` is open during the call (function precondition).
        let (value, file) = unsafe { opened::<F>(file) };

        long(value.compat_ioctl(file, cmd, arg))
    }

    /// The table.
    pub(super) const VTABLE: bindings::file_operations = bindings::file_operations {
        // An open file pins the module that implements `F`, not this one.
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
}
