// SPDX-License-Identifier: GPL-2.0

//! C functions that the `kernel` crate lacks: inlines of the DMA API, and the library's own helpers
//! (`helpers.c`). Most of those of `bounce.c` are in [`refusal`](crate::device::refusal) and
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

// The `safe` ones have no preconditions.
//
// SAFETY: The declarations are those of `helpers.h`. `AtomicUsize` has the layout of `atomic_long_t`.
#[allow(improper_ctypes, reason = "C knows the layout of bindgen's types")]
unsafe extern "C" {
    /// Returns the machine's cache maintenance unit in bytes, for devices that are not coherent.
    #[link_name = "dma_map_helper_get_cache_alignment"]
    pub(crate) safe fn cache_alignment() -> usize;

    /// Returns the last physical address that `dev` reaches without a bounce buffer; 0 if the address
    /// alone does not decide it.
    ///
    /// # Safety
    ///
    /// `dev` must point to a valid `struct device` that has a DMA mask.
    #[link_name = "dma_map_helper_direct_limit"]
    pub(crate) fn direct_limit(dev: *mut bindings::device) -> u64;

    /// Frees coherent memory, or passes it to `dma_map_free_later()` in a context in which the free is
    /// not legal.
    ///
    /// One helper for the check and the free, because each would be a call from Rust. C has the check
    /// inline.
    ///
    /// C API: `dma_free_attrs()`. Context: any.
    ///
    /// # Safety
    ///
    /// That of `dma_map_free_later()`.
    #[link_name = "dma_map_helper_free_attrs"]
    pub(crate) fn free_attrs(
        binding: *const c_void,
        size: usize,
        cpu: *mut c_void,
        dma: DmaAddress,
        attrs: c_ulong,
    );

    /// Returns whether the kernel's IOMMU code (`dma-iommu.c`) maps for `dev`.
    ///
    /// # Safety
    ///
    /// `dev` must point to a valid `struct device`.
    #[link_name = "dma_map_helper_dev_dma_iommu"]
    pub(crate) fn dev_dma_iommu(dev: *mut bindings::device) -> bool;

    /// Returns whether the device is coherent with the CPU's caches, without cache maintenance.
    ///
    /// # Safety
    ///
    /// `dev` must point to a valid `struct device`.
    #[link_name = "dma_map_helper_dev_is_dma_coherent"]
    pub(crate) fn is_coherent(dev: *mut bindings::device) -> bool;

    /// Returns whether a piece of memory within the segment limits keeps to them at its DMA address of
    /// `dev`, too.
    ///
    /// # Safety
    ///
    /// `dev` must point to a valid `struct device`.
    #[link_name = "dma_map_helper_keeps_segments"]
    pub(crate) fn keeps_segments(dev: *mut bindings::device) -> bool;

    /// Returns whether the caller's context may sleep.
    ///
    /// Without `CONFIG_PREEMPT_COUNT`, a held spinlock is not detected; C does not detect it either.
    #[link_name = "dma_map_helper_may_sleep"]
    pub(crate) safe fn may_sleep() -> bool;

    /// Takes the `mmap_lock` for writing; the `kernel` crate does so for reading only.
    ///
    /// # Safety
    ///
    /// `mm` must be referenced. The caller must be in a context that may sleep, and must not hold the
    /// lock.
    #[link_name = "dma_map_helper_mmap_write_lock"]
    pub(crate) fn mmap_write_lock(mm: *mut bindings::mm_struct);

    /// Releases what [`mmap_write_lock`] took.
    ///
    /// # Safety
    ///
    /// The caller must hold the lock.
    #[link_name = "dma_map_helper_mmap_write_unlock"]
    pub(crate) fn mmap_write_unlock(mm: *mut bindings::mm_struct);

    /// Returns whether NUMA node `node` exists and is online, with or without memory.
    #[link_name = "dma_map_helper_node_online"]
    pub(crate) safe fn node_online(node: c_int) -> bool;

    /// Returns the DMA address of the byte at `phys` for `dev`, if only the bus translates addresses.
    ///
    /// # Safety
    ///
    /// `dev` must point to a valid `struct device`.
    #[link_name = "dma_map_helper_phys_to_dma"]
    pub(crate) fn phys_to_dma(dev: *mut bindings::device, phys: bindings::phys_addr_t) -> u64;

    /// Decrements the count, and wakes the [waiter](wait_pending) if it is 0.
    ///
    /// C API: `atomic_long_dec_and_test()`, `wake_up_var()`. Context: any.
    ///
    /// # Safety
    ///
    /// The count must be valid until it is 0. After that C uses only its address.
    #[link_name = "dma_map_helper_put_pending"]
    pub(crate) fn put_pending(pending: *mut AtomicUsize);

    /// Puts `slot` into this CPU's cache. Returns `false` if the cache has `capacity` slots already, or
    /// if this interrupts [`take_slot`].
    ///
    /// C API: `this_cpu_try_cmpxchg()`. Context: any but NMI.
    ///
    /// # Safety
    ///
    /// - `cache` must be a valid per-CPU pointer to values that begin like `mapped_pool`'s `Cache`,
    ///   whose invariants hold.
    /// - `slot` must be valid, begin like `mapped_pool`'s `Slot`, and be owned by the caller, who gives
    ///   it away if this returns true. `capacity` must be valid as long as the caller owns `slot`.
    #[link_name = "dma_map_helper_put_slot"]
    pub(crate) fn put_slot(cache: *mut c_void, slot: *mut c_void, capacity: *const usize) -> bool;

    /// Sets the low address bits that a bounce buffer keeps.
    ///
    /// C API: `dma_set_min_align_mask()`.
    ///
    /// # Safety
    ///
    /// `dev` must point to a valid `struct device` that has `dma_parms` and no mappings.
    #[link_name = "dma_map_helper_set_min_align_mask"]
    pub(crate) fn set_min_align_mask(dev: *mut bindings::device, mask: c_uint);

    /// Sets the boundary that a segment must not cross.
    ///
    /// C API: `dma_set_seg_boundary()`.
    ///
    /// # Safety
    ///
    /// Those of [`set_min_align_mask`].
    #[link_name = "dma_map_helper_set_seg_boundary"]
    pub(crate) fn set_seg_boundary(dev: *mut bindings::device, mask: c_ulong);

    #[link_name = "dma_map_helper_small"]
    fn small_raw(dev: *mut bindings::device) -> c_int;

    /// Takes a slot out of this CPU's cache. Returns NULL if the cache is empty.
    ///
    /// C API: `this_cpu_try_cmpxchg()`. Context: any but NMI.
    ///
    /// # Safety
    ///
    /// `cache` must be as in [`put_slot`], and all slots that were ever put there must be valid.
    #[link_name = "dma_map_helper_take_slot"]
    pub(crate) fn take_slot(cache: *mut c_void) -> *mut c_void;

    /// Waits until the count is 0. Context: may sleep.
    ///
    /// C API: `wait_var_event()`.
    #[link_name = "dma_map_helper_wait_pending"]
    pub(crate) safe fn wait_pending(pending: &AtomicUsize);
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
    match unsafe { small_raw(dev) } {
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
