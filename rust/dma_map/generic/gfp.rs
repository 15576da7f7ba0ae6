// SPDX-License-Identifier: GPL-2.0

//! Allocation flags.
//!
//! C header: [`include/linux/gfp_types.h`](srctree/include/linux/gfp_types.h)

use core::mem::transmute;
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
/// from the device's mask anyway.
///
/// Failure is an `Err(ENOMEM)`, and nothing else:
///
/// - It is never a line in the log: `__GFP_NOWARN` is always added. A driver that wants a message
///   prints one.
/// - It never costs a process its life. Left alone, `GFP_KERNEL` calls the OOM killer rather than
///   fail, for as many pages as one allocation is made of. `__GFP_RETRY_MAYFAIL` is added to
///   it: reclaim, and the disk, are tried as hard, and then the caller is told. The others never call it.
///
/// Both hold for all that the library allocates, also where a function takes no [`Gfp`]. What C
/// allocates by itself, and takes no flags for, is beyond that: the parts of a workqueue, of SRCU, of a
/// pool, the name of a device node, once per binding; the array of the pages that are pinned for
/// [`UserPages`](crate::UserPages), and what user memory takes that is not there yet; and, behind an IOMMU, what describes the pages of
/// one allocation: an array of pointers to them, a table, page tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gfp {
    /// `GFP_KERNEL | __GFP_RETRY_MAYFAIL`: may sleep.
    Kernel,
    /// `GFP_ATOMIC`: does not sleep, may use reserves; for hard IRQ and under spinlocks.
    Atomic,
    /// `GFP_NOWAIT`: does not sleep and fails early.
    Nowait,
}

impl Gfp {
    /// The flags as the `kernel` crate takes them.
    #[inline]
    pub const fn flags(self) -> alloc::Flags {
        // SAFETY: The `kernel` crate has no name for `__GFP_RETRY_MAYFAIL`. Its type is one number, all
        // of whose values are valid; the check below is that it is the one that C takes.
        unsafe { transmute::<bindings::gfp_t, alloc::Flags>(self.as_raw()) }
    }

    /// The flags as the C API takes them.
    #[inline]
    pub(crate) const fn as_raw(self) -> bindings::gfp_t {
        let gfp = match self {
            Gfp::Kernel => bindings::GFP_KERNEL | 1 << bindings::___GFP_RETRY_MAYFAIL_BIT,
            Gfp::Atomic => bindings::GFP_ATOMIC,
            Gfp::Nowait => bindings::GFP_NOWAIT,
        };

        gfp | bindings::__GFP_NOWARN
    }
}

const _: () = {
    // SAFETY: As in `flags`; the compiler checks that the sizes are the same.
    let raw = unsafe { transmute::<alloc::Flags, bindings::gfp_t>(flags::GFP_KERNEL) };
    assert!(raw == bindings::GFP_KERNEL, "the number is what C takes");
};
