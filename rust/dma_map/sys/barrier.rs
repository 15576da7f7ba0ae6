// SPDX-License-Identifier: GPL-2.0

//! Memory barriers between the CPU and a device that share coherent memory.
//!
//! Coherent memory needs no sync, but it needs order: the flag that hands data over must not become
//! visible before the data. [`publish`] and [`consume`] are the two sides of the handover. An MMIO
//! write through [`kernel::io`] is ordered after earlier memory writes, so a doorbell register needs no
//! [`publish`].
//!
//! ```ignore,run
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
//! # check(io_read!(ring, .slot.len) == len && io_read!(ring, .head) == head && done == 0)?;
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

/// Runs `data`, which reads what the device handed over, after all earlier reads of coherent memory.
/// Read the flag before the call.
///
/// C API: `dma_rmb()`. Context: any.
#[inline(always)]
pub fn consume<R>(data: impl FnOnce() -> R) -> R {
    dma_rmb();
    data()
}

/// Orders all earlier accesses of coherent memory before all later ones.
///
/// Needed for a write after a read, which the other two do not order. C API: `dma_mb()`. Context: any.
#[inline(always)]
pub fn full() {
    dma_mb(Full);
}

/// Orders all earlier reads, of memory and of registers, before all later reads of memory.
///
/// On x86 a compiler barrier suffices. On x86 and arm64 this avoids the function of the `kernel` crate,
/// which is a call unless helpers are inlined. With KCSAN that function is used, since it tells KCSAN
/// of the barrier.
///
/// C API: `dma_rmb()`. Context: any.
#[inline(always)]
pub(crate) fn dma_rmb() {
    #[cfg(all(CONFIG_X86, not(CONFIG_KCSAN)))]
    compiler();

    #[cfg(all(CONFIG_ARM64, not(CONFIG_KCSAN)))]
    // SAFETY: A barrier has no preconditions, and changes no register. Without `nomem`, the compiler
    // assumes that it reads and writes any memory.
    unsafe {
        core::arch::asm!("dmb oshld", options(nostack, preserves_flags))
    };

    #[cfg(not(all(any(CONFIG_X86, CONFIG_ARM64), not(CONFIG_KCSAN))))]
    dma_mb(Read);
}

/// Keeps the compiler from moving memory accesses across, and from reusing values that it read before.
///
/// Emits no instruction. C API: `barrier()`. Context: any.
#[inline(always)]
pub(crate) fn compiler() {
    // SAFETY: The assembly is empty. Without `nomem`, the compiler assumes that it reads and writes any
    // memory.
    unsafe { core::arch::asm!("", options(nostack, preserves_flags)) };
}
