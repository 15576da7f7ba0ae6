// SPDX-License-Identifier: GPL-2.0

//! Wrappers of C functions that the `kernel` crate lacks: inlines of the DMA API, and the library's own
//! helpers (`helpers.c`). Most of those of `bounce.c` are in [`refusal`](crate::device::refusal) and
//! `bouncing.rs`.

mod memory;

pub(crate) use self::memory::*;

pub(crate) use crate::generic::ffi::as_raw;

use core::sync::atomic::AtomicUsize;
use kernel::{
    bindings,
    dma::DmaAddress,
    prelude::*, //
};

extern "C" {
    // C structs are opaque pointers here, because bindgen's types are not "FFI-safe" to the compiler.
    fn dma_map_helper_dev_is_dma_coherent(dev: *mut c_void) -> bool;
    fn dma_map_helper_direct_limit(dev: *mut c_void) -> u64;
    fn dma_map_helper_free_attrs(
        binding: *const c_void,
        size: usize,
        cpu: *mut c_void,
        dma: DmaAddress,
        attrs: c_ulong,
    );
    fn dma_map_helper_get_cache_alignment() -> c_int;
    fn dma_map_helper_keeps_segments(dev: *mut c_void) -> bool;
    fn dma_map_helper_may_sleep() -> bool;
    fn dma_map_helper_mmap_write_lock(mm: *mut c_void);
    fn dma_map_helper_mmap_write_unlock(mm: *mut c_void);
    fn dma_map_helper_node_online(node: c_int) -> bool;
    fn dma_map_helper_phys_to_dma(dev: *mut c_void, phys: bindings::phys_addr_t) -> DmaAddress;
    fn dma_map_helper_put_pending(pending: *mut c_void);
    fn dma_map_helper_put_slot(
        cache: *mut c_void,
        slot: *mut c_void,
        capacity: *const usize,
    ) -> bool;
    fn dma_map_helper_small(dev: *mut c_void) -> c_int;
    fn dma_map_helper_take_slot(cache: *mut c_void) -> *mut c_void;
    fn dma_map_helper_use_dma_iommu(dev: *mut c_void) -> bool;
    fn dma_map_helper_wait_pending(pending: *mut c_void);
}

/// Returns the machine's cache maintenance unit in bytes, for devices that are not coherent.
#[inline]
pub(crate) fn cache_alignment() -> usize {
    // SAFETY: The function has no preconditions.
    let align = unsafe { dma_map_helper_get_cache_alignment() };

    // CAST: An alignment is a small positive number.
    align as usize
}

/// Returns whether the device is coherent with the CPU's caches, without cache maintenance.
///
/// # Safety
///
/// `dev` must point to a valid `struct device`.
#[inline]
pub(crate) unsafe fn is_coherent(dev: *mut bindings::device) -> bool {
    // SAFETY: `dev` is valid (function precondition).
    unsafe { dma_map_helper_dev_is_dma_coherent(dev.cast()) }
}

/// Returns the last physical address that `dev` reaches without a bounce buffer; 0 if the address alone
/// does not decide it.
///
/// # Safety
///
/// `dev` must point to a valid `struct device` that has a DMA mask.
#[inline]
pub(crate) unsafe fn direct_limit(dev: *mut bindings::device) -> u64 {
    // SAFETY: `dev` is valid and has a mask (function preconditions).
    unsafe { dma_map_helper_direct_limit(dev.cast()) }
}

/// Frees coherent memory, or passes it to `dma_map_free_later()` in a context in which the free is not
/// legal.
///
/// One helper for the check and the free, because each would be a call from Rust. C has the check
/// inline.
///
/// C API: `dma_free_attrs()`. Context: any.
///
/// # Safety
///
/// That of `dma_map_free_later()`.
#[inline]
pub(crate) unsafe fn free_attrs(
    binding: *const c_void,
    size: usize,
    cpu: *mut c_void,
    dma: DmaAddress,
    attrs: c_ulong,
) {
    // SAFETY: The preconditions are those of `dma_map_free_later()`, which include those of
    // `dma_free_attrs()`.
    unsafe { dma_map_helper_free_attrs(binding, size, cpu, dma, attrs) }
}

/// How the kernel maps a piece of the size of a small `kmalloc()` buffer that a device writes to, if
/// the device is not coherent with the caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Small {
    /// Maps it in place: no such buffer shares cache lines, or the kernel does not bounce for the
    /// device.
    Mapped,
    /// Bounces it.
    Bounced,
    /// Fails to bounce it, with a `WARNING`: the device does not reach the bounce pool.
    Refused,
}

/// Returns how the kernel maps small pieces that `dev` writes to, if it is not coherent with the
/// caches.
///
/// # Safety
///
/// `dev` must point to a valid `struct device` that has a DMA mask.
pub(crate) unsafe fn small(dev: *mut bindings::device) -> Small {
    // SAFETY: `dev` is valid and has a mask (function preconditions).
    match unsafe { dma_map_helper_small(dev.cast()) } {
        0 => Small::Mapped,
        1 => Small::Bounced,
        _ => Small::Refused,
    }
}

/// Returns whether `address` is the result of a failed mapping. Call it once for each mapping.
///
/// C API: `dma_mapping_error()`.
///
/// # Safety
///
/// `dev` must point to a valid `struct device`.
#[inline]
pub(crate) unsafe fn mapping_error(dev: *mut bindings::device, address: DmaAddress) -> bool {
    // DMA debugging remembers that the address was checked.
    #[cfg(CONFIG_DMA_API_DEBUG)]
    // SAFETY: `dev` is valid (function precondition).
    unsafe {
        bindings::debug_dma_mapping_error(dev, address)
    };
    let _ = dev;

    // `DMA_MAPPING_ERROR`
    address == DmaAddress::MAX
}

/// Returns whether a piece of memory within the segment limits keeps to them at its DMA address of
/// `dev`, too.
///
/// # Safety
///
/// `dev` must point to a valid `struct device`.
pub(crate) unsafe fn keeps_segments(dev: *mut bindings::device) -> bool {
    // SAFETY: `dev` is valid (function precondition).
    unsafe { dma_map_helper_keeps_segments(dev.cast()) }
}

/// Returns whether the caller's context may sleep.
///
/// Without `CONFIG_PREEMPT_COUNT`, a held spinlock is not detected; C does not detect it either.
#[inline]
pub(crate) fn may_sleep() -> bool {
    // SAFETY: The function has no preconditions.
    unsafe { dma_map_helper_may_sleep() }
}

/// Decrements the count, and wakes the [waiter](wait_pending) if it is 0.
///
/// C API: `atomic_long_dec_and_test()`, `wake_up_var()`. Context: any.
pub(crate) fn put_pending(pending: &AtomicUsize) {
    // SAFETY: `AtomicUsize` has the layout of `atomic_long_t`. Once the count is 0, C uses only its
    // address.
    unsafe { dma_map_helper_put_pending(pending.as_ptr().cast()) }
}

/// Waits until the count is 0. Context: may sleep.
///
/// C API: `wait_var_event()`.
pub(crate) fn wait_pending(pending: &AtomicUsize) {
    // SAFETY: `AtomicUsize` has the layout of `atomic_long_t`, and is valid while it is borrowed.
    unsafe { dma_map_helper_wait_pending(pending.as_ptr().cast()) }
}

/// Takes the `mmap_lock` for writing; the `kernel` crate does so for reading only.
///
/// # Safety
///
/// `mm` must be referenced. The caller must be in a context that may sleep, and must not hold the lock.
pub(crate) unsafe fn mmap_write_lock(mm: *mut bindings::mm_struct) {
    // SAFETY: `mm` is referenced, and the caller may sleep and does not hold the lock (function
    // preconditions).
    unsafe { dma_map_helper_mmap_write_lock(mm.cast()) }
}

/// Releases what [`mmap_write_lock`] took.
///
/// # Safety
///
/// The caller must hold the lock.
pub(crate) unsafe fn mmap_write_unlock(mm: *mut bindings::mm_struct) {
    // SAFETY: The caller holds the lock (function precondition).
    unsafe { dma_map_helper_mmap_write_unlock(mm.cast()) }
}

/// Returns whether NUMA node `node` exists and is online, with or without memory.
#[inline]
pub(crate) fn node_online(node: c_int) -> bool {
    // SAFETY: The helper checks the number.
    unsafe { dma_map_helper_node_online(node) }
}

/// Returns the DMA address of the byte at `phys` for `dev`, if only the bus translates addresses.
///
/// # Safety
///
/// `dev` must point to a valid `struct device`.
pub(crate) unsafe fn phys_to_dma(dev: *mut bindings::device, phys: u64) -> u64 {
    #[allow(clippy::useless_conversion, reason = "`dma_addr_t` may be 32 bits")]
    // SAFETY: `dev` is valid (function precondition).
    unsafe { dma_map_helper_phys_to_dma(dev.cast(), phys) }.into()
}

/// Puts `slot` into this CPU's cache. Returns `false` if the cache has `capacity` slots already, or if
/// this interrupts [`take_slot`].
///
/// C API: `this_cpu_try_cmpxchg()`. Context: any but NMI.
///
/// # Safety
///
/// - `cache` must be a valid per-CPU pointer to values that begin like `mapped_pool`'s `Cache`, whose
///   invariants hold.
/// - `slot` must be valid, begin like `mapped_pool`'s `Slot`, and be owned by the caller, who gives it
///   away if this returns true. `capacity` must be valid as long as the caller owns `slot`.
#[inline(always)]
pub(crate) unsafe fn put_slot(
    cache: *mut c_void,
    slot: *mut c_void,
    capacity: *const usize,
) -> bool {
    // SAFETY: `cache`, `slot` and `capacity` are what C expects (function preconditions).
    unsafe { dma_map_helper_put_slot(cache, slot, capacity) }
}

/// Takes a slot out of this CPU's cache. Returns NULL if the cache is empty.
///
/// C API: `this_cpu_try_cmpxchg()`. Context: any but NMI.
///
/// # Safety
///
/// `cache` must be as in [`put_slot`], and all slots that were ever put there must be valid.
#[inline(always)]
pub(crate) unsafe fn take_slot(cache: *mut c_void) -> *mut c_void {
    // SAFETY: `cache` is what C expects, and any slot that it may read is valid (function
    // preconditions).
    unsafe { dma_map_helper_take_slot(cache) }
}

/// Returns whether the kernel's IOMMU code (`dma-iommu.c`) maps for `dev`.
///
/// # Safety
///
/// `dev` must point to a valid `struct device`.
pub(crate) unsafe fn use_dma_iommu(dev: *mut bindings::device) -> bool {
    // SAFETY: `dev` is valid (function precondition).
    unsafe { dma_map_helper_use_dma_iommu(dev.cast()) }
}

/// Returns whether the device needs sync calls, by the check that C has inline.
///
/// C API: `dma_dev_need_sync()`.
///
/// # Safety
///
/// `dev` must point to a valid `struct device`.
#[inline(always)]
pub(crate) unsafe fn need_sync(dev: *mut bindings::device) -> bool {
    if !cfg!(CONFIG_DMA_NEED_SYNC) {
        return false;
    }
    if cfg!(CONFIG_DMA_API_DEBUG) {
        return true;
    }

    let bit = bindings::struct_device_flags_DEV_FLAG_DMA_SKIP_SYNC as usize;
    let word = bit / c_ulong::BITS as usize;

    // SAFETY: `dev` is valid (function precondition). The flags change by atomic bit operations, so one
    // volatile read of the whole word suffices, as in `test_bit()`.
    let flags = unsafe { (&raw const (*dev).flags[word]).read_volatile() };

    flags & (1 << (bit % c_ulong::BITS as usize)) == 0
}

/// Returns whether the device's existing mappings must be unmapped.
///
/// C API: `dma_need_unmap()`. On a kernel without any sync, C returns `false`, also for a device behind
/// an IOMMU. This returns `true` then.
///
/// # Safety
///
/// `dev` must point to a valid `struct device` that has a DMA mask.
#[inline]
pub(crate) unsafe fn need_unmap(dev: *mut bindings::device) -> bool {
    #[cfg(CONFIG_DMA_NEED_SYNC)]
    // SAFETY: `dev` is valid and has a mask (function preconditions).
    return unsafe { bindings::dma_need_unmap(dev) };

    #[cfg(not(CONFIG_DMA_NEED_SYNC))]
    {
        let _ = dev;
        true
    }
}
