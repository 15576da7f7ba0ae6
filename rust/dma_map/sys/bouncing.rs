// SPDX-License-Identifier: GPL-2.0

//! Per-device bounce buffer limits.

use kernel::{
    bindings,
    prelude::*, //
};

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
        extern "C" {
            // In `bounce.c`. C's `struct device` is an opaque pointer here.
            fn dma_map_helper_bouncing(dev: *mut c_void, limited: bool) -> Bouncing;
        }

        // SAFETY: `dev` is bound and has a mask (function precondition). `Bouncing` has the layout of
        // `struct dma_map_bouncing`.
        unsafe { dma_map_helper_bouncing(dev.cast(), limited) }
    }
}
