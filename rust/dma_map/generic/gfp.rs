// SPDX-License-Identifier: GPL-2.0

//! Allocation flags.
//!
//! C header: [`include/linux/gfp_types.h`](srctree/include/linux/gfp_types.h)

use super::ffi;
use core::mem::transmute;
use kernel::{
    alloc::{
        self,
        flags, //
    },
    bindings, //
};

/// Allocation flags that the DMA API accepts.
///
/// The set is closed. The DMA API warns of zone modifiers and `__GFP_COMP`, and it takes the zone from
/// the device's mask.
///
/// A failure is an `Err(ENOMEM)`, and has no other effect:
///
/// - It prints nothing: `__GFP_NOWARN` is always added. A driver that wants a message prints one.
/// - It kills no process. Plain `GFP_KERNEL` calls the OOM killer rather than fail, for each part of an
///   allocation that consists of many pages. `__GFP_RETRY_MAYFAIL` is added to it: the kernel tries
///   reclaim, with I/O, as hard, and then returns an error. The other flags never call the OOM killer.
///
/// Both hold for all allocations of the library, also where a function takes no [`Gfp`]. They do not
/// hold for what C allocates itself without taking flags: once per binding, the parts of a workqueue,
/// of SRCU and of a pool, and the name of a device node; the array of pages that are pinned for
/// [`UserPages`](crate::UserPages), and user memory that is faulted in; behind an IOMMU, the
/// description of the pages of one allocation (an array of page pointers, a table, page tables).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gfp {
    /// `GFP_KERNEL | __GFP_RETRY_MAYFAIL`: may sleep.
    Kernel,
    /// `GFP_ATOMIC`: does not sleep, and may use reserves; for hard IRQ context and under spinlocks.
    Atomic,
    /// `GFP_NOWAIT`: does not sleep and fails early.
    Nowait,
}

impl Gfp {
    /// Returns the flags as the `kernel` crate takes them.
    #[inline]
    pub const fn flags(self) -> alloc::Flags {
        // SAFETY: `alloc::Flags` is one `gfp_t`, as checked below, and all values are valid. The
        // `kernel` crate has no name for `__GFP_RETRY_MAYFAIL`.
        unsafe { transmute::<bindings::gfp_t, alloc::Flags>(self.as_raw()) }
    }

    /// Returns the flags as the C API takes them.
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

/// Calls `f`. Until it returns, memory that this thread allocates is not freed by I/O: also with
/// [`Gfp::Kernel`], and in what C allocates itself without taking flags.
///
/// For error handling of a device that disks or swap are on. Memory that is freed by writing to a disk may need
/// the device, which waits for this thread: while it resets the device, while requests are quiesced
/// (`blk::TagSet::quiesce`), or while it holds a lock that one of the two takes.
///
/// A function, and no flags: those would not reach all of C. And no guard: an end that is not the one of the last
/// beginning, or in another thread, would leave the thread without I/O for good.
///
/// C API: `memalloc_noio_save()`, `memalloc_noio_restore()`. Context: any.
///
/// # Examples
///
/// ```ignore
/// # use dma_map::gfp::without_io;
/// # struct Queue;
/// # impl Queue {
/// #     fn reset(&self, _dma: DmaDevice<'_>) -> Result { Ok(()) }
/// # }
/// # fn recover(dma: DmaDevice<'_>, queue: &Queue) -> Result {
/// // Allocates, and commands of the disks wait for it.
/// without_io(|| queue.reset(dma))
/// # }
/// ```
#[inline]
pub fn without_io<R>(f: impl FnOnce() -> R) -> R {
    // SAFETY: It is ended below. `f` cannot end this function, since there are no unwinding panics.
    let flags = unsafe { ffi::noio_save() };
    let result = f();
    // SAFETY: Begun above. What `f` has begun, it has ended.
    unsafe { ffi::noio_restore(flags) };
    result
}

const _: () = {
    // SAFETY: `alloc::Flags` has the size of `gfp_t`, which the compiler checks, and all values of
    // `gfp_t` are valid.
    let raw = unsafe { transmute::<alloc::Flags, bindings::gfp_t>(flags::GFP_KERNEL) };
    assert!(raw == bindings::GFP_KERNEL, "the number is what C takes");
};
