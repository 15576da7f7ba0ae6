// SPDX-License-Identifier: GPL-2.0

//! Error types of all handles, which return the argument.

use kernel::prelude::*;

/// The error of a transition when the device is not done, or cannot be stopped (`cancel`): it returns
/// the handle, in its old state.
pub struct Busy<H>(pub H);

impl<H> From<Busy<H>> for Error {
    #[inline]
    fn from(_: Busy<H>) -> Self {
        EBUSY
    }
}

impl<H> core::fmt::Debug for Busy<H> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Busy")
    }
}

/// The error of a function that took a buffer, or a handle: it returns the reason and the argument.
pub struct MapError<B> {
    /// The reason.
    pub error: Error,
    /// The unchanged buffer, or handle.
    pub buffer: B,
}

impl<B> From<MapError<B>> for Error {
    #[inline]
    fn from(failed: MapError<B>) -> Self {
        failed.error
    }
}

impl<B> core::fmt::Debug for MapError<B> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("MapError")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
