// SPDX-License-Identifier: GPL-2.0

//! Files that are opened, read and written from within the kernel, as a process does it.

use core::{
    mem::MaybeUninit,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    error::{
        from_err_ptr,
        to_result, //
    },
    page::PAGE_SIZE,
    prelude::*, //
};

/// `MAP_SHARED`, of `include/uapi/asm-generic/mman-common.h`, and `PROT_READ`.
const SHARED: c_ulong = 1;
const READ: c_ulong = 1;

/// An open file; released on drop.
pub(crate) struct Opened(NonNull<bindings::file>);

/// Opens `name` in a file system of the kernel: its thread does not see what processes have mounted.
fn open(system: &CStr, name: &CStr, flags: c_int) -> Result<*mut bindings::file> {
    // SAFETY: The name is a valid string. The file system is part of the kernel, if it is there.
    let system = unsafe { bindings::get_fs_type(system.as_char_ptr()) };
    if system.is_null() {
        return Err(ENODEV);
    }

    // SAFETY: The type is valid. The mount is valid until it is unmounted; a file that is open holds
    // a reference of its own.
    unsafe {
        let mount = from_err_ptr(bindings::kern_mount(system))?;
        let root = bindings::path {
            mnt: mount,
            dentry: (*mount).mnt_root,
        };
        let file = from_err_ptr(bindings::file_open_root(
            &root,
            name.as_char_ptr(),
            flags,
            0,
        ));
        bindings::kern_unmount(mount);
        file
    }
}

/// Makes a length of what a C function returned.
fn length(result: isize) -> Result<usize> {
    to_result(result.min(0) as c_int)?;
    Ok(result as usize)
}

impl Opened {
    /// Opens the device node `name`.
    pub(crate) fn open(name: &CStr, flags: u32) -> Result<Self> {
        Self::open_in(c"devtmpfs", name, flags | bindings::O_RDWR)
    }

    /// Opens `name` in the file system `system`.
    pub(crate) fn open_in(system: &CStr, name: &CStr, flags: u32) -> Result<Self> {
        let file = open(system, name, flags as c_int)?;
        Ok(Self(NonNull::new(file).ok_or(EINVAL)?))
    }

    /// Writes `text` at the beginning.
    pub(crate) fn write_text(&self, text: &[u8]) -> Result<usize> {
        let mut position = 0;
        // SAFETY: The file is open, and the memory is valid.
        length(unsafe {
            let data: *const c_void = text.as_ptr().cast();
            bindings::kernel_write(self.0.as_ptr(), data, text.len(), &mut position)
        })
    }

    /// Reads from the beginning, to user memory, as files do that know of no other.
    pub(crate) fn read_to_user(&self, addr: usize, len: usize) -> Result<usize> {
        let read = self.operations().read.ok_or(ENOTSUPP)?;
        let mut position = 0;
        // SAFETY: The file is open, and C checks the user's address.
        length(unsafe { read(self.0.as_ptr(), addr as *mut c_char, len, &mut position) })
    }

    /// Writes a byte of user memory at the beginning.
    pub(crate) fn write_from_user(&self, addr: usize) -> Result<usize> {
        let write = self.operations().write.ok_or(ENOTSUPP)?;
        let mut position = 0;
        // SAFETY: The file is open, and C checks the user's address.
        length(unsafe { write(self.0.as_ptr(), addr as *const c_char, 1, &mut position) })
    }

    fn operations(&self) -> &bindings::file_operations {
        // SAFETY: The file is open, and has its operations as long as that.
        unsafe { &*(*self.0.as_ptr()).f_op }
    }

    /// Reads, and returns how much and the new position.
    pub(super) fn read(&self, data: &mut [u8]) -> Result<(usize, i64)> {
        let mut position = 0;
        // SAFETY: The file is open, and the memory is valid.
        let result = unsafe {
            let data: *mut c_void = data.as_mut_ptr().cast();
            bindings::kernel_read(self.0.as_ptr(), data, 4, &mut position)
        };
        Ok((length(result)?, position))
    }

    /// Writes at `position`.
    pub(super) fn write(&self, data: &[u8; 4], mut position: i64) -> Result<usize> {
        // SAFETY: The file is open, and the memory is valid.
        length(unsafe {
            let data: *const c_void = data.as_ptr().cast();
            bindings::kernel_write(self.0.as_ptr(), data, 4, &mut position)
        })
    }

    /// Asks what can be done; `None` if the file does not say.
    pub(super) fn poll(&self) -> Option<u32> {
        // SAFETY: The file is open; nobody waits.
        Some(unsafe { self.operations().poll?(self.0.as_ptr(), core::ptr::null_mut()) })
    }

    /// Polls as a process does that sleeps then.
    pub(super) fn poller(&self) -> Result<Poller> {
        let mut waiter = KBox::<bindings::poll_wqueues>::new_uninit(GFP_KERNEL)?;
        let raw = waiter.as_mut_ptr();
        // SAFETY: The file is open. The waiter stays where it is, and is initialised here.
        let events = unsafe {
            raw.write_bytes(0, 1);
            bindings::poll_initwait(raw);
            // No key: for all events.
            (*raw).pt._key = u32::MAX;
            let poll = self.operations().poll.ok_or(ENOTSUPP);
            poll.map(|poll| poll(self.0.as_ptr(), &raw mut (*raw).pt))
        };
        // The drop of this takes it off again.
        let poller = Poller { waiter };
        events.map(|_| poller)
    }

    /// Runs a command; `ENOIOCTLCMD` if the file has none.
    pub(super) fn ioctl(&self, cmd: u32, arg: usize) -> Result<usize> {
        let ioctl = self.operations().unlocked_ioctl.ok_or(ENOTSUPP)?;
        // SAFETY: The file is open.
        length(unsafe { ioctl(self.0.as_ptr(), cmd, arg) })
    }

    /// Maps some pages to the thread of the case, to be read, and returns where.
    pub(crate) fn mmap(&self, pages: usize) -> Result<usize> {
        // SAFETY: KUnit runs a case, in this thread, and takes care of the memory.
        let addr = unsafe {
            let test = bindings::kunit_get_current_test();
            bindings::kunit_vm_mmap(test, self.0.as_ptr(), 0, pages * PAGE_SIZE, READ, SHARED, 0)
        };
        match addr {
            // What there is if KUnit has no address space for the case.
            0 => Err(ENOMEM),
            // CAST: An error is a small negative number.
            _ => length(addr as isize),
        }
    }
}

/// A process that polls a file, and is asleep.
///
/// # Invariants
///
/// The waiter is initialised, and stays where it is.
pub(super) struct Poller {
    waiter: KBox<MaybeUninit<bindings::poll_wqueues>>,
}

impl Poller {
    fn waiter(&self) -> &bindings::poll_wqueues {
        // SAFETY: By the type invariants.
        unsafe { self.waiter.assume_init_ref() }
    }

    /// Where the queue is that it is on, if it is on one only, and is the only one there, which the
    /// list says in both directions.
    pub(super) fn queue(&self) -> Option<usize> {
        let waiter = self.waiter();
        if waiter.inline_index != 1 {
            return None;
        }
        let entry = &waiter.inline_entries[0];
        let node = &raw const entry.wait.entry;
        // SAFETY: An entry stays on its queue while the file is open, and the queue lives as long.
        let head = unsafe { &raw const (*entry.wait_address).head };
        // SAFETY: `head` is in the queue of the entry, which lives while the file is open.
        let (first, last) = unsafe { ((*head).next, (*head).prev) };
        let alone = first.cast_const() == node
            && last.cast_const() == node
            && entry.wait.entry.next.cast_const() == head
            && entry.wait.entry.prev.cast_const() == head;
        alone.then_some(entry.wait_address.addr())
    }

    /// Returns whether it was woken.
    pub(super) fn woken(&self) -> bool {
        // SAFETY: Who wakes writes it, with others' eyes on it.
        unsafe { (&raw const self.waiter().triggered).read_volatile() != 0 }
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        // SAFETY: By the type invariants; this is the end of it.
        unsafe { bindings::poll_freewait(self.waiter.as_mut_ptr()) };
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // SAFETY: The file was opened by us, and is not used again. Unlike `fput()`, this releases it
        // here and now.
        unsafe { bindings::__fput_sync(self.0.as_ptr()) };
    }
}
