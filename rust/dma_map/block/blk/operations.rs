// SPDX-License-Identifier: GPL-2.0

//! The operations of a block driver.

use super::{
    opener::Opener,
    refused::Refused,
    request::Request,
    requests::Requests,
    started::TimedOut, //
};
use crate::{
    gate::Guarded,
    Engine, //
};
use kernel::{
    error::VTABLE_DEFAULT_ERROR,
    prelude::*, //
};

/// Whether the block layer has another request at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// This is the last one: tell the device of all of them.
    Yes,
    /// Another one follows, or [`commit_rqs`](Operations::commit_rqs) is called.
    No,
}

/// What becomes of a request that was not completed in time.
pub enum Expired<'a, T: Operations> {
    /// It was ended, or will be ended.
    Done,
    /// The device gets the same time again. Not for a request that was claimed: it may have been ended.
    Wait(TimedOut<'a, T>),
}

/// The block driver of a device: implemented by the contents of its [`Gate`](crate::gate::Gate).
///
/// Context of all functions but the ioctls: must not sleep.
///
/// `#[vtable]` adds the module of the driver (`OwnerModule`), which an open disk keeps loaded. It must not be
/// written by hand.
///
/// # Examples
///
/// A device that keeps its data in memory, and needs no DMA:
///
/// ```ignore
/// # use dma_map::blk;
/// # struct Ram<'x> { dma: DmaDevice<'x> }
/// # impl Ram<'_> {
/// #     fn transfer(&self, _request: &mut blk::Request<Self>) -> Result { Ok(()) }
/// # }
/// # struct Never;
/// # // SAFETY: There is no device.
/// # unsafe impl Engine for Never {
/// #     type Mark = Self;
/// #     fn is_idle(&self) -> bool { true }
/// #     fn quiesce(&self) -> Result { Ok(()) }
/// # }
/// # impl Guarded for Ram<'_> {
/// #     fn shutdown(&self) {}
/// # }
/// #[vtable]
/// impl blk::Operations for Ram<'_> {
///     type Disk = ();
///     type Command = ();
///     type Mark = Never;
///     type Engine<'a> = Never where Self: 'a;
///
///     fn engine(&self, _queue: u32, _tag: u32) -> Never {
///         Never
///     }
///
///     fn queue_rq(
///         &self,
///         mut request: blk::Request<Self>,
///         _last: blk::Last,
///     ) -> Result<(), blk::Refused<Self>> {
///         let result = self.transfer(&mut request);
///         request.end(result);
///         Ok(())
///     }
/// }
/// ```
#[vtable]
pub trait Operations: Guarded + Send + Sync + Sized {
    /// The driver's data of one disk, such as the number of a namespace. It is shared with ioctls, which may
    /// outlive the binding: the last one to drop it may be a process that has the disk open.
    type Disk: Send + Sync + 'static;

    /// What a command owns while the device has it: lists of addresses, staging buffers. It is dropped
    /// when its request is ended. It lies behind the request, for each tag: what is larger than 32 KiB is a
    /// build error, and belongs in a box.
    type Command: Send;

    /// The [mark](Engine::Mark) of the engines.
    type Mark;

    /// The engine of one command, usually the queue and the tag.
    type Engine<'a>: Engine<Mark = Self::Mark>
    where
        Self: 'a;

    /// Returns the engine of the command with this tag. It is asked before the data of a request that is
    /// [mapped](Request::map) changes hands.
    ///
    /// It is idle when the device was not told of the command, or when its completion was seen. A gate has
    /// one tag set, so one request at a time has this queue and tag.
    fn engine(&self, queue: u32, tag: u32) -> Self::Engine<'_>;

    /// Takes a request.
    ///
    /// The time of [`timeout_ms`](super::TagSetOptions::timeout_ms) runs from here on.
    ///
    /// # Errors
    ///
    /// [`Refused`] if the driver has no room for it: the block layer queues it again.
    fn queue_rq(&self, request: Request<Self>, last: Last) -> Result<(), Refused<Self>>;

    /// Takes several requests of a disk, and tells the device of all of them.
    ///
    /// Without it, and for what it leaves in the list, [`queue_rq`](Self::queue_rq) is called. A request that
    /// was taken and that the driver has no room for is [refused](Request::refuse), and the value dropped.
    ///
    /// C API: `queue_rqs` of `struct blk_mq_ops`. Not called for a disk with an I/O scheduler.
    fn queue_rqs(&self, _requests: &mut Requests<'_, Self>) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Tells the device of the requests that were queued with [`Last::No`].
    ///
    /// A driver that waits for the last request must implement it.
    fn commit_rqs(&self, _queue: u32) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Looks for completions on a queue without interrupts, and returns how many there were.
    ///
    /// A driver with [`poll_queues`](super::TagSetOptions::poll_queues) must implement it.
    fn poll(&self, _queue: u32) -> u32 {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// A request was not completed in time.
    ///
    /// By default it is [claimed](TimedOut::claim), and [cancelled](super::Claimed::cancel) with
    /// `ETIMEDOUT`. If it can't be claimed, its completion is running.
    fn timeout<'a>(&self, request: TimedOut<'a, Self>) -> Expired<'a, Self> {
        match request.claim() {
            Ok(claimed) => {
                // What can't be stopped is quarantined by the drop.
                let _ = claimed.cancel(ETIMEDOUT);
                Expired::Done
            }
            Err(request) => Expired::Wait(request),
        }
    }

    /// Runs an ioctl of the driver, see [`kernel::ioctl`], on a disk or on a partition of it. `arg` is a number,
    /// or an address in user space for [`UserSlice`](kernel::uaccess::UserSlice). Returns a number from 0 on.
    ///
    /// There are no contents of the gate here: the removal of the disk and the end of the binding do not wait
    /// for an ioctl. Whoever needs the device keeps an [`Arc`](kernel::sync::Arc) of its
    /// [`Gate`](crate::gate::Gate) in `disk`, and enters it. An unbind waits for those inside, so user memory is
    /// better accessed outside: an access may wait for another process. After the removal the library fails
    /// all ioctls with `ENODEV`.
    ///
    /// The kernel's own ioctls of block devices do not get here.
    ///
    /// C API: `ioctl` of `struct block_device_operations`. Context: may sleep. Called concurrently.
    ///
    /// # Errors
    ///
    /// What user space gets; `ENOTTY` for an ioctl that is unknown.
    fn ioctl(_disk: &Self::Disk, _opener: Opener, _cmd: u32, _arg: usize) -> Result<i32> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Runs an ioctl of a 32-bit process on a 64-bit kernel. By default `ioctl` gets the widened pointer
    /// (`blkdev_compat_ptr_ioctl()`).
    #[cfg(CONFIG_COMPAT)]
    fn compat_ioctl(_disk: &Self::Disk, _opener: Opener, _cmd: u32, _arg: usize) -> Result<i32> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}
