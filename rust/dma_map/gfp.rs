// SPDX-License-Identifier: GPL-2.0

//! Allocation flags.
//!
//! C header: [`include/linux/gfp_types.h`](srctree/include/linux/gfp_types.h)

use kernel::{
    alloc::{
        self,
        flags, //
    },
    bindings, //
};

/// How an allocation may get its memory.
///
/// A closed set: zone modifiers and `__GFP_COMP` make the DMA API complain, and the zone follows
/// from the device's mask anyway. Failure is an `Err(ENOMEM)` and never a line in the log, so
/// `__GFP_NOWARN` is always added; a driver that wants a message prints one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gfp {
    /// `GFP_KERNEL`: may sleep.
    Kernel,
    /// `GFP_ATOMIC`: does not sleep, may use reserves; for hard IRQ and under spinlocks.
    Atomic,
    /// `GFP_NOWAIT`: does not sleep and fails early.
    Nowait,
}

impl Gfp {
    /// The flags as the `kernel` crate takes them.
    #[inline]
    pub fn flags(self) -> alloc::Flags {
        let flags = match self {
            Gfp::Kernel => flags::GFP_KERNEL,
            Gfp::Atomic => flags::GFP_ATOMIC,
            Gfp::Nowait => flags::GFP_NOWAIT,
        };

        flags | flags::__GFP_NOWARN
    }

    /// The flags as the C API takes them.
    #[inline]
    pub(crate) const fn as_raw(self) -> bindings::gfp_t {
        let gfp = match self {
            Gfp::Kernel => bindings::GFP_KERNEL,
            Gfp::Atomic => bindings::GFP_ATOMIC,
            Gfp::Nowait => bindings::GFP_NOWAIT,
        };

        gfp | bindings::__GFP_NOWARN
    }
}
