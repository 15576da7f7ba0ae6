// SPDX-License-Identifier: GPL-2.0

//! Openers: those who have opened a block device, and call an ioctl of the driver's.

use super::{
    ffi,
    operations::Operations, //
};
use core::{
    ptr::NonNull,
    sync::atomic::{
        AtomicPtr,
        Ordering, //
    }, //
};
use kernel::{
    bindings,
    prelude::*,
    sync::{
        rcu,
        Arc,
        ArcBorrow, //
    }, //
};

/// How a block device was opened by who calls an [`ioctl`](Operations::ioctl).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opener {
    mode: bindings::blk_mode_t,
    node: Node,
}

/// What was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Disk,
    Partition,
}

impl Opener {
    /// Returns whether the block device was opened for writing (`BLK_OPEN_WRITE`).
    pub fn is_writable(&self) -> bool {
        self.mode & ffi::BLK_OPEN_WRITE != 0
    }

    /// Returns whether a partition was opened. The opener may have no right to the rest of the disk: a driver
    /// that does not know the partition's sectors refuses what reaches others.
    ///
    /// C API: `bdev_is_partition()`.
    pub fn is_partition(&self) -> bool {
        self.node == Node::Partition
    }
}

/// Lets ioctls reach the driver's data of a disk that is about to be added.
///
/// # Safety
///
/// `disk` must not be added yet. `data` must come from [`Arc::as_ptr`] of what the operations of the disk call
/// their `Disk`, and be kept until [`hide`] has returned and an RCU grace period is over, or no file of the
/// disk can be opened.
pub(super) unsafe fn show(disk: *mut bindings::gendisk, data: *mut c_void) {
    // SAFETY: The disk is valid, and the field belongs to the driver.
    unsafe { AtomicPtr::from_ptr(&raw mut (*disk).private_data) }.store(data, Ordering::Release);
}

/// Lets no ioctl reach the driver's data from here on. Those that look for it just now are over after an RCU
/// grace period: they have references of their own then.
///
/// # Safety
///
/// `disk` must be valid.
pub(super) unsafe fn hide(disk: *mut bindings::gendisk) {
    // SAFETY: As in `show`.
    unsafe { AtomicPtr::from_ptr(&raw mut (*disk).private_data) }
        .store(core::ptr::null_mut(), Ordering::Release);
}

/// Returns the driver's data of a disk, and who has opened it. `None` if the disk was removed.
///
/// # Safety
///
/// `bdev` must be open during the call, of a disk whose operations are `T`.
pub(super) unsafe fn opened<T: Operations>(
    bdev: *mut bindings::block_device,
    mode: bindings::blk_mode_t,
) -> Option<(Arc<T::Disk>, Opener)> {
    // SAFETY: A block device that is open has a disk (function precondition).
    let (disk, whole) = unsafe { ((*bdev).bd_disk, (*(*bdev).bd_disk).part0) };
    let node = match bdev == whole {
        true => Node::Disk,
        false => Node::Partition,
    };

    let reading = rcu::read_lock();
    // SAFETY: As in `show`.
    let data = unsafe { AtomicPtr::from_ptr(&raw mut (*disk).private_data) };
    let data = NonNull::new(data.load(Ordering::Acquire).cast::<T::Disk>())?;
    // SAFETY: The pointer is that of an `Arc` (precondition of `show`), which is kept until the RCU readers are
    // gone that have found it.
    let data: Arc<T::Disk> = unsafe { ArcBorrow::from_raw(data.as_ptr().cast_const()) }.into();
    drop(reading);
    Some((data, Opener { mode, node }))
}
