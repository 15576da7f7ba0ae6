// SPDX-License-Identifier: GPL-2.0

//! Ordering between the CPU and a device that share coherent memory.
//!
//! Coherent memory needs no sync, but it does need order: the flag that says "this is yours" must
//! not become visible before the data. These two functions are the two halves of that hand-over.
//! An MMIO write through [`kernel::io`] already orders earlier memory writes before itself, so a
//! doorbell in a register needs no [`publish`].
//!
//! ```ignore
//! # #[repr(C)]
//! # #[derive(FromBytes, IntoBytes)]
//! # struct Slot { len: u32, data: u32 }
//! # #[repr(C)]
//! # #[derive(FromBytes, IntoBytes)]
//! # struct Ring { slot: Slot, head: u32, status: u32 }
//! # let (len, head) = (8, 1);
//! # let memory = DmaCoherent::<Ring>::zeroed(dma, Gfp::Kernel)?.give(engine);
//! # let ring = memory.view();
//! io_write!(ring, .slot.len, len);     // the data
//! barrier::publish(|| io_write!(ring, .head, head)); // then the flag that gives it away
//!
//! let done = io_read!(ring, .status);
//! if done != 0 {
//!     // The flag first, then the data behind it.
//!     let value = barrier::consume(|| io_project!(ring, .slot).copy_read());
//! }
//! ```

#[cfg(not(all(any(CONFIG_X86, CONFIG_ARM64), not(CONFIG_KCSAN))))]
use kernel::sync::barrier::Read;
use kernel::sync::barrier::{
    dma_mb,
    Full,
    Write, //
};

/// Runs `flag`, which hands memory over, after all earlier writes to coherent memory.
///
/// C API: `dma_wmb()`. Context: any.
#[inline(always)]
pub fn publish<R>(flag: impl FnOnce() -> R) -> R {
    dma_mb(Write);
    flag()
}

/// Runs `data`, which reads what the device handed over, after all earlier reads of coherent
/// memory: read the flag first.
///
/// C API: `dma_rmb()`. Context: any.
#[inline(always)]
pub fn consume<R>(data: impl FnOnce() -> R) -> R {
    dma_rmb();
    data()
}

/// Orders all earlier accesses of coherent memory before all later ones.
///
/// For what the other two do not order: a write after a read. C API: `dma_mb()`. Context: any.
#[inline(always)]
pub fn full() {
    dma_mb(Full);
}

/// Orders all earlier reads, of memory and of registers, before all later reads of memory.
///
/// On x86 only the compiler has to be told. There and on arm64 this is not the function of the `kernel`
/// crate, which is a call unless helpers are inlined. KCSAN has to be told as well, and that function
/// does so.
///
/// C API: `dma_rmb()`. Context: any.
#[inline(always)]
pub(crate) fn dma_rmb() {
    #[cfg(all(CONFIG_X86, not(CONFIG_KCSAN)))]
    compiler();

    #[cfg(all(CONFIG_ARM64, not(CONFIG_KCSAN)))]
    // SAFETY: A barrier has no preconditions, and changes no register. As without `nomem`, the compiler
    // assumes that it reads and writes any memory.
    unsafe {
        core::arch::asm!("dmb oshld", options(nostack, preserves_flags))
    };

    #[cfg(not(all(any(CONFIG_X86, CONFIG_ARM64), not(CONFIG_KCSAN))))]
    dma_mb(Read);
}

/// Keeps the compiler from moving accesses of memory across, and from using values that it read before.
///
/// It is no instruction. C API: `barrier()`. Context: any.
#[inline(always)]
pub(crate) fn compiler() {
    // SAFETY: There is no instruction. As without `nomem`, the compiler assumes that it reads and
    // writes any memory.
    unsafe { core::arch::asm!("", options(nostack, preserves_flags)) };
}
