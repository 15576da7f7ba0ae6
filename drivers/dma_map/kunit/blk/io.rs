// SPDX-License-Identifier: GPL-2.0

//! Open disks, and I/O on them as a file system does it.

use crate::{
    check::*,
    fixture::Probe, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    cpu::CpuId,
    error::{
        from_err_ptr,
        to_result, //
    },
    prelude::*, //
};

extern "C" {
    fn dma_map_kunit_close_disk(file: *mut c_void);
    #[cfg(CONFIG_COMPAT)]
    fn dma_map_kunit_compat_ioctl(file: *mut c_void, cmd: c_uint, arg: c_ulong) -> c_long;
    fn dma_map_kunit_end_io(io: *mut c_void, ms: c_uint) -> c_int;
    fn dma_map_kunit_ioctl(file: *mut c_void, cmd: c_uint, arg: c_ulong) -> c_long;
    fn dma_map_kunit_is_frozen(file: *mut c_void) -> bool;
    fn dma_map_kunit_is_read_only(file: *mut c_void) -> bool;
    fn dma_map_kunit_limits(file: *mut c_void) -> *const c_void;
    fn dma_map_kunit_open_disk(dev: u32) -> *mut c_void;
    fn dma_map_kunit_open_reader(dev: u32) -> *mut c_void;
    fn dma_map_kunit_poll_io(io: *mut c_void) -> c_int;
    fn dma_map_kunit_queue_of(file: *mut c_void, cpu: c_uint) -> c_uint;
    fn dma_map_kunit_find_disk(parent: *mut c_void, name: *const u8) -> u32;
    fn dma_map_kunit_start_io(
        file: *mut c_void,
        opf: u32,
        sector: u64,
        buffer: *mut u8,
        len: u32,
    ) -> *mut c_void;
}

pub(super) const READ: u32 = 0;
pub(super) const WRITE: u32 = 1;
pub(super) const DISCARD: u32 = 3;
pub(super) const WRITE_ZEROES: u32 = 9;
pub(super) const FUA: u32 = 1 << bindings::req_flag_bits___REQ_FUA;
pub(super) const POLLED: u32 = 1 << bindings::req_flag_bits___REQ_POLLED;
pub(super) const PREFLUSH: u32 = 1 << bindings::req_flag_bits___REQ_PREFLUSH;

/// How long a case waits, in milliseconds. A minute is enough, also on a busy host.
const LONGEST: u32 = 60_000;

/// An open disk.
pub(super) struct Opened(*mut c_void);

// SAFETY: Any thread may use an open file.
unsafe impl Send for Opened {}

// SAFETY: Several threads may do so.
unsafe impl Sync for Opened {}

/// Returns the number of a disk below the device that is probed.
pub(super) fn number(probe: &Probe<'_, '_>, name: &CStr) -> Result<u32> {
    // SAFETY: The device and the name are valid.
    match unsafe { dma_map_kunit_find_disk(probe.raw().cast(), name.as_char_ptr()) } {
        0 => Err(ENOENT),
        number => Ok(number),
    }
}

/// Returns the number that an ioctl has returned, or its error.
fn number_of(result: c_long) -> Result<i32> {
    let result = i32::try_from(result)?;
    to_result(result).map(|()| result)
}

impl Opened {
    pub(super) fn open(probe: &Probe<'_, '_>, name: &CStr) -> Result<Self> {
        Self::by_number(number(probe, name)?)
    }

    pub(super) fn by_number(number: u32) -> Result<Self> {
        // SAFETY: No preconditions.
        Ok(Self(from_err_ptr(unsafe {
            dma_map_kunit_open_disk(number)
        })?))
    }

    /// Opens a disk for reading.
    pub(super) fn for_reading(number: u32) -> Result<Self> {
        // SAFETY: No preconditions.
        Ok(Self(from_err_ptr(unsafe {
            dma_map_kunit_open_reader(number)
        })?))
    }

    /// Calls an ioctl.
    pub(super) fn ioctl(&self, cmd: u32, arg: usize) -> Result<i32> {
        // SAFETY: The file is open. The ioctls of the cases use no memory.
        number_of(unsafe { dma_map_kunit_ioctl(self.0, cmd, arg) })
    }

    /// Calls an ioctl as a 32-bit process does.
    #[cfg(CONFIG_COMPAT)]
    pub(super) fn compat_ioctl(&self, cmd: u32, arg: usize) -> Result<i32> {
        // SAFETY: As in `ioctl`.
        number_of(unsafe { dma_map_kunit_compat_ioctl(self.0, cmd, arg) })
    }

    /// Returns the limits of the queue.
    pub(super) fn limits(&self) -> bindings::queue_limits {
        // SAFETY: The file is open, and nobody changes the limits.
        unsafe { *dma_map_kunit_limits(self.0).cast() }
    }

    /// Returns the number of the hardware queue that a CPU uses.
    pub(super) fn queue_of(&self, cpu: CpuId) -> u32 {
        // SAFETY: The file is open, and there is such a CPU.
        unsafe { dma_map_kunit_queue_of(self.0, cpu.as_u32()) }
    }

    /// Returns whether requests wait because the queue is being changed.
    pub(super) fn is_frozen(&self) -> bool {
        // SAFETY: The file is open.
        unsafe { dma_map_kunit_is_frozen(self.0) }
    }

    /// Returns whether the disk is marked as read-only.
    pub(super) fn is_read_only(&self) -> bool {
        // SAFETY: The file is open.
        unsafe { dma_map_kunit_is_read_only(self.0) }
    }

    /// Starts I/O on `buffer`, which is of the allocator or of vmalloc.
    pub(super) fn start<'a>(&self, op: u32, sector: u64, buffer: &'a mut [u8]) -> Result<Io<'a>> {
        let len = u32::try_from(buffer.len())?;
        // SAFETY: The file is open. The buffer is borrowed until the I/O has ended.
        let io = unsafe { dma_map_kunit_start_io(self.0, op, sector, buffer.as_mut_ptr(), len) };

        Ok(Io(NonNull::new(io).ok_or(ENOMEM)?, PhantomData))
    }

    /// Does I/O on `buffer`.
    pub(super) fn run(&self, op: u32, sector: u64, buffer: &mut [u8]) -> Result {
        self.start(op, sector, buffer)?.end()
    }

    /// Does something to `len` bytes that needs no buffer.
    pub(super) fn without_data(&self, op: u32, sector: u64, len: u32) -> Result {
        // SAFETY: The file is open.
        let io = unsafe { dma_map_kunit_start_io(self.0, op, sector, core::ptr::null_mut(), len) };

        Io(NonNull::new(io).ok_or(ENOMEM)?, PhantomData).end()
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // SAFETY: The file is open, and is closed once.
        unsafe { dma_map_kunit_close_disk(self.0) };
    }
}

/// I/O that was started.
pub(super) struct Io<'a>(NonNull<c_void>, PhantomData<&'a mut [u8]>);

impl Io<'_> {
    /// Waits for the end.
    pub(super) fn end(self) -> Result {
        let io = core::mem::ManuallyDrop::new(self);
        // SAFETY: The I/O was started, and is freed once.
        to_result(unsafe { dma_map_kunit_end_io(io.0.as_ptr(), LONGEST) })
    }

    /// Looks once for the end of I/O that was started with [`POLLED`]. Returns whether there was one, of this
    /// or of another.
    pub(super) fn poll(&self) -> i32 {
        // SAFETY: The I/O was started, and is not freed.
        unsafe { dma_map_kunit_poll_io(self.0.as_ptr()) }
    }

    /// Checks that there is no end yet.
    pub(super) fn check_pending(self) -> Result<Self> {
        // SAFETY: The I/O was started.
        let result = to_result(unsafe { dma_map_kunit_end_io(self.0.as_ptr(), 20) });
        let io = core::mem::ManuallyDrop::new(self);
        check_err!(result, EINPROGRESS);
        Ok(core::mem::ManuallyDrop::into_inner(io))
    }
}

impl Drop for Io<'_> {
    fn drop(&mut self) {
        // SAFETY: The I/O was started, and is freed once. Its buffer must stay until then.
        while unsafe { dma_map_kunit_end_io(self.0.as_ptr(), LONGEST) }
            == kernel::error::code::EINPROGRESS.to_errno()
        {}
    }
}
