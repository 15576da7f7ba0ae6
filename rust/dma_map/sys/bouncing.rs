// SPDX-License-Identifier: GPL-2.0

//! What of bouncing holds for a device as long as it is bound.

use kernel::{
    bindings,
    prelude::*, //
};

extern "C" {
    // In `bounce.c`. C structs are opaque pointers here, as in `ffi.rs`.
    fn dma_map_helper_bouncing(dev: *mut c_void, limited: bool, bouncing: *mut Bouncing);
}

/// What of bouncing is looked up once for a device.
#[repr(C)]
pub(crate) struct Bouncing {
    /// The last physical address that is mapped without a question.
    pub(crate) limit: u64,
    /// The longest entry of a table, as far as bounce buffers go.
    pub(crate) max: u64,
    /// The longest one beyond the limit.
    pub(crate) max_beyond: u64,
    /// Whether all bounce buffers, also those to come, are within reach.
    pub(crate) settled: bool,
}

impl Bouncing {
    /// Looks up what holds for `dev` for good. `limited` says that it was found not to reach all of the
    /// memory that there is.
    ///
    /// # Safety
    ///
    /// `dev` must be a bound device with a DMA mask.
    pub(crate) unsafe fn of(dev: *mut bindings::device, limited: bool) -> Self {
        let mut this = Self {
            limit: 0,
            max: 0,
            max_beyond: 0,
            settled: false,
        };

        // SAFETY: By the safety requirements of this function; the structure is C's.
        unsafe { dma_map_helper_bouncing(dev.cast(), limited, &mut this) };
        this
    }
}
