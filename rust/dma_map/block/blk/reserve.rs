// SPDX-License-Identifier: GPL-2.0

//! Lists for the segments of requests, of which one is always there.

use super::ffi;
use crate::{
    gfp::Gfp,
    seg::segments::Segment, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    prelude::*, //
};

/// A mempool of lists. It makes progress without memory: one list is kept in reserve, and whoever finds
/// none waits for the one to come back, by being refused.
///
/// # Invariants
///
/// `pool` is a mempool whose elements have room for `capacity` segments, at least one.
pub(super) struct Reserve {
    pool: NonNull<bindings::mempool>,
    capacity: u16,
}

// SAFETY: C locks a mempool.
unsafe impl Send for Reserve {}

// SAFETY: C locks a mempool that several threads take from.
unsafe impl Sync for Reserve {}

impl Reserve {
    /// Makes a reserve of lists of `capacity` segments, not 0.
    pub(super) fn new(capacity: u16) -> Result<Self> {
        // A product of 16 bits and a few bytes.
        let size = size_of::<Segment>().wrapping_mul(capacity.max(1).into());

        // INVARIANT: That many segments have that size.
        Ok(Self {
            pool: NonNull::new(ffi::create_reserve(size)).ok_or(ENOMEM)?,
            capacity,
        })
    }

    /// Returns how many segments a list has room for.
    #[inline(always)]
    pub(super) fn capacity(&self) -> u16 {
        self.capacity
    }

    /// Takes a list. Context: any.
    pub(super) fn take(&self) -> Option<NonNull<Segment>> {
        // SAFETY: The pool is valid (type invariants). Without the permission to sleep C returns NULL if
        // there is nothing.
        NonNull::new(unsafe {
            bindings::mempool_alloc_noprof(self.pool.as_ptr(), Gfp::Atomic.as_raw()).cast()
        })
    }

    /// Puts a list back. Context: any.
    ///
    /// # Safety
    ///
    /// The list must have been taken here, and is not used again.
    pub(super) unsafe fn put(&self, list: NonNull<Segment>) {
        // SAFETY: By the precondition of this function.
        unsafe { bindings::mempool_free(list.as_ptr().cast(), self.pool.as_ptr()) };
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        // SAFETY: The pool is valid (type invariants), and not used again.
        unsafe { bindings::mempool_destroy(self.pool.as_ptr()) };
    }
}
