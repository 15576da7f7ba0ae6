// SPDX-License-Identifier: GPL-2.0

//! Per-device bounce buffer limits.

use kernel::{
    bindings,
    prelude::*, //
};

extern "C" {
    // In `bounce.c`. C structs are opaque pointers here, as in `ffi.rs`.
    fn dma_map_helper_bouncing(dev: *mut c_void, limited: bool, bouncing: *mut Bouncing);
}

/// The bounce buffer limits of a device, looked up once per binding.
#[repr(C)]
pub(crate) struct Bouncing {
    /// The last physical address that is mapped without a check.
    pub(crate) limit: u64,
    /// The longest entry of a table, as far as bounce buffers limit it.
    pub(crate) max: u64,
    /// The longest entry beyond `limit`.
    pub(crate) max_beyond: u64,
    /// Whether the device reaches all bounce buffers, also those that are made later.
    pub(crate) settled: bool,
}

impl Bouncing {
    /// Looks up the limits of `dev`. `limited` says that `dev` does not reach all memory of the machine
    /// now.
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

        // SAFETY: `dev` is bound and has a mask (function precondition). `Bouncing` has the layout of
        // `struct dma_map_bouncing`, and C writes it.
        unsafe { dma_map_helper_bouncing(dev.cast(), limited, &mut this) };
        this
    }
}
