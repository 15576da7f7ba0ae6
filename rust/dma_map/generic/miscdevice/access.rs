// SPDX-License-Identifier: GPL-2.0

//! What a file operation is told of its caller, and tells it.

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
    /// It sleeps until it gets what it asks for.
    Sleep,
    /// It gets `EAGAIN` if there is nothing yet: the file is `O_NONBLOCK`.
    No,
}

/// One read or write of a file.
///
/// # Invariants
///
/// `kiocb` is valid during `'a`, and of an open file of a misc device.
pub struct Access<'a> {
    kiocb: NonNull<bindings::kiocb>,
    _call: Invariant<'a>,
}

impl Access<'_> {
    /// Wraps a `struct kiocb`.
    ///
    /// # Safety
    ///
    /// It must be valid during `'a`, and of an open file of a misc device.
    #[inline]
    pub(super) unsafe fn from_raw(kiocb: NonNull<bindings::kiocb>) -> Self {
        // INVARIANT: By the safety requirements of this function.
        Self {
            kiocb,
            _call: PhantomData,
        }
    }

    /// Returns the file.
    #[inline]
    pub fn file(&self) -> &File {
        // SAFETY: By the type invariants. There is no `fdget_pos` region on the file, since those are
        // for regular files and directories.
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

    /// Returns the position in the file. A device that has none ignores it.
    #[inline]
    pub fn position(&self) -> i64 {
        // SAFETY: By the type invariants.
        unsafe { (*self.kiocb.as_ptr()).ki_pos }
    }

    /// Sets the position for the next read or write.
    #[inline]
    pub fn set_position(&mut self, position: i64) {
        // SAFETY: By the type invariants; it is borrowed exclusively.
        unsafe { (*self.kiocb.as_ptr()).ki_pos = position };
    }
}

/// What can be done with a file without sleeping, as `poll()` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Events(bindings::__poll_t);

// `include/uapi/linux/eventpoll.h`; bindgen does not see through the casts there.
impl Events {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// A read gives something (`EPOLLIN`, `EPOLLRDNORM`).
    pub const READ: Self = Self(0x001 | 0x040);
    /// A write is taken (`EPOLLOUT`, `EPOLLWRNORM`).
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
