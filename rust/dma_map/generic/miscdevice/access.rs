// SPDX-License-Identifier: GPL-2.0

//! Arguments and results of file operations: read and write calls, `poll()` events.

use crate::generic::variance::Invariant;
use core::{
    marker::PhantomData,
    ops::{
        BitOr,
        BitOrAssign, //
    },
    ptr::NonNull, //
};
use kernel::{
    bindings,
    fs::{
        file::flags::O_NONBLOCK,
        File, //
    }, //
};

/// Whether a caller is willing to sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The caller sleeps until its request is served.
    Sleep,
    /// The caller gets `EAGAIN` if its request would sleep: the file is `O_NONBLOCK`.
    No,
}

/// One read or write of a file.
///
/// # Invariants
///
/// `kiocb` is valid during `'a`, and belongs to an open file of a misc device.
pub struct Access<'a> {
    kiocb: NonNull<bindings::kiocb>,
    _call: Invariant<'a>,
}

impl Access<'_> {
    /// Wraps a `struct kiocb`.
    ///
    /// # Safety
    ///
    /// `kiocb` must be valid during `'a`, and belong to an open file of a misc device.
    #[inline]
    pub(super) unsafe fn from_raw(kiocb: NonNull<bindings::kiocb>) -> Self {
        // INVARIANT: By the precondition of this function.
        Self {
            kiocb,
            _call: PhantomData,
        }
    }

    /// Returns the file.
    #[inline]
    pub fn file(&self) -> &File {
        // SAFETY: `kiocb` is valid, and of an open file (type invariant). There is no `fdget_pos`
        // region on the file, since those are for regular files and directories.
        unsafe { File::from_raw_file((*self.kiocb.as_ptr()).ki_filp) }
    }

    /// Returns whether the caller is willing to sleep.
    #[inline]
    pub fn wait(&self) -> Wait {
        // `IOCB_NOWAIT` is for files with `FMODE_NOWAIT`, which these are not.
        if self.file().flags() & O_NONBLOCK != 0 {
            Wait::No
        } else {
            Wait::Sleep
        }
    }

    /// Returns the position in the file. A device without positions ignores it.
    #[inline]
    pub fn position(&self) -> i64 {
        // SAFETY: `kiocb` is valid (type invariant).
        unsafe { (*self.kiocb.as_ptr()).ki_pos }
    }

    /// Sets the position for the next read or write.
    #[inline]
    pub fn set_position(&mut self, position: i64) {
        // SAFETY: `kiocb` is valid (type invariant), and borrowed exclusively.
        unsafe { (*self.kiocb.as_ptr()).ki_pos = position };
    }
}

/// The events of a file, as `poll()` returns them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Events(bindings::__poll_t);

// `include/uapi/linux/eventpoll.h`; bindgen does not evaluate the casts there.
impl Events {
    /// No event.
    pub const NONE: Self = Self(0);
    /// A read would return data (`EPOLLIN`, `EPOLLRDNORM`).
    pub const READ: Self = Self(0x001 | 0x040);
    /// A write would be accepted (`EPOLLOUT`, `EPOLLWRNORM`).
    pub const WRITE: Self = Self(0x004 | 0x100);
    /// The device has failed (`EPOLLERR`).
    pub const ERROR: Self = Self(0x008);
    /// The device is gone (`EPOLLHUP`).
    pub const HANG_UP: Self = Self(0x010);

    #[inline]
    pub(super) fn into_raw(self) -> bindings::__poll_t {
        self.0
    }
}

impl BitOr for Events {
    type Output = Self;

    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Events {
    #[inline]
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}
