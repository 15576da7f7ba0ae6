// SPDX-License-Identifier: GPL-2.0

//! Errors that give back what was passed in: the errors of all handles.

use kernel::prelude::*;

/// What a transition gives back when the device is not done, or cannot be stopped (`cancel`): the handle,
/// in the state that it had.
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

/// What a `map` gives back when it fails: the reason and the buffer.
pub struct MapError<B> {
    /// The reason.
    pub error: Error,
    /// The buffer, as it was.
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

/// What [`DmaMapping::complete_range`](crate::DmaMapping::complete_range) gives back when it fails: the
/// reason and the handle.
pub struct Refused<H> {
    /// The reason.
    pub error: Error,
    /// The handle, as it was.
    pub handle: H,
}

impl<H> From<Refused<H>> for Error {
    #[inline]
    fn from(refused: Refused<H>) -> Self {
        refused.error
    }
}

impl<H> core::fmt::Debug for Refused<H> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Refused")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
