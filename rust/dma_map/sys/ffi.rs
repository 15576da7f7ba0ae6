// SPDX-License-Identifier: GPL-2.0

//! What the `kernel` crate keeps to itself: inlines of the C API, and our own C helpers (`helpers.c`; of
//! `bounce.c`, [`refusal`](crate::device::refusal) has the rest).

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
    // C structs are opaque pointers here: bindgen's types are not "FFI-safe" to the compiler.
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

/// Returns the unit in which this machine's caches are maintained, where they are, in bytes.
#[inline]
pub(crate) fn cache_alignment() -> usize {
    // SAFETY: The function has no preconditions.
    let align = unsafe { dma_map_helper_get_cache_alignment() };

    // CAST: An alignment is a small positive number.
    align as usize
}

/// Returns whether what the device and the CPU see of memory is the same without maintenance of
/// caches.
///
/// # Safety
///
/// `dev` must point to a valid `struct device`.
#[inline]
pub(crate) unsafe fn is_coherent(dev: *mut bindings::device) -> bool {
    // SAFETY: By the safety requirements of this function.
    unsafe { dma_map_helper_dev_is_dma_coherent(dev.cast()) }
}

/// Returns the last physical address that `dev` reaches without a bounce buffer; 0 if it takes more
/// than the address to tell.
///
/// # Safety
///
/// `dev` must point to a valid `struct device` that has a DMA mask.
#[inline]
pub(crate) unsafe fn direct_limit(dev: *mut bindings::device) -> u64 {
    // SAFETY: By the safety requirements of this function.
    unsafe { dma_map_helper_direct_limit(dev.cast()) }
}

/// Frees coherent memory, or hands it on to `dma_map_free_later()` where that is not legal.
///
/// One call for the question and the answer: each would be a call from Rust, and C has the question
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
    // SAFETY: By the safety requirements of this function.
    unsafe { dma_map_helper_free_attrs(binding, size, cpu, dma, attrs) }
}

/// What the kernel does with a piece of the size of a small `kmalloc()` buffer, when a device writes to
/// it and is not coherent with the caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Small {
    /// Maps it as it is: no such buffer shares its lines, or nothing bounces.
    Mapped,
    /// Bounces it.
    Bounced,
    /// Fails to bounce it, with a `WARNING`: the bounce pool is out of the device's reach.
    Refused,
}

/// Returns what becomes of small pieces of memory that `dev` writes to, if it is not coherent with the
/// caches.
///
/// # Safety
///
/// `dev` must point to a valid `struct device` that has a DMA mask.
pub(crate) unsafe fn small(dev: *mut bindings::device) -> Small {
    // SAFETY: By the safety requirements of this function.
    match unsafe { dma_map_helper_small(dev.cast()) } {
        0 => Small::Mapped,
        1 => Small::Bounced,
        _ => Small::Refused,
    }
}

/// Returns whether `address` says that a mapping failed; to be asked once of each.
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
    // SAFETY: By the safety requirements of this function.
    unsafe {
        bindings::debug_dma_mapping_error(dev, address)
    };
    let _ = dev;

    // `DMA_MAPPING_ERROR`
    address == DmaAddress::MAX
}

/// Returns whether a piece of memory within the segment limits is within them for `dev`, too.
///
/// # Safety
///
/// `dev` must point to a valid `struct device`.
pub(crate) unsafe fn keeps_segments(dev: *mut bindings::device) -> bool {
    // SAFETY: By the safety requirements of this function.
    unsafe { dma_map_helper_keeps_segments(dev.cast()) }
}

/// Returns whether the caller's context may sleep.
///
/// Without `CONFIG_PREEMPT_COUNT` a held spinlock is not seen, as C does not see it either.
#[inline]
pub(crate) fn may_sleep() -> bool {
    // SAFETY: The function has no preconditions.
    unsafe { dma_map_helper_may_sleep() }
}

/// Counts one less, and wakes who [waits](wait_pending) if that was the last.
///
/// C API: `atomic_long_dec_and_test()`, `wake_up_var()`. Context: any.
pub(crate) fn put_pending(pending: &AtomicUsize) {
    // SAFETY: The types are the same number to both sides. When the count is 0, it is named only.
    unsafe { dma_map_helper_put_pending(pending.as_ptr().cast()) }
}

/// Waits until the count is 0. Context: may sleep.
///
/// C API: `wait_var_event()`.
pub(crate) fn wait_pending(pending: &AtomicUsize) {
    // SAFETY: As above.
    unsafe { dma_map_helper_wait_pending(pending.as_ptr().cast()) }
}

/// Takes the `mmap_lock` for writing; the `kernel` crate does so for reading only.
///
/// # Safety
///
/// `mm` must be referenced, and the caller be in a context that may sleep and not hold the lock.
pub(crate) unsafe fn mmap_write_lock(mm: *mut bindings::mm_struct) {
    // SAFETY: By the safety requirements of this function.
    unsafe { dma_map_helper_mmap_write_lock(mm.cast()) }
}

/// Releases what [`mmap_write_lock`] took.
///
/// # Safety
///
/// The caller must hold the lock.
pub(crate) unsafe fn mmap_write_unlock(mm: *mut bindings::mm_struct) {
    // SAFETY: By the safety requirements of this function.
    unsafe { dma_map_helper_mmap_write_unlock(mm.cast()) }
}

/// Returns whether there is a NUMA node of this number, with memory or without.
#[inline]
pub(crate) fn node_online(node: c_int) -> bool {
    // SAFETY: The function checks the number.
    unsafe { dma_map_helper_node_online(node) }
}

/// Returns the address at which `dev` reaches the byte at `phys`, if nothing but the bus stands
/// between.
///
/// # Safety
///
/// `dev` must point to a valid `struct device`.
pub(crate) unsafe fn phys_to_dma(dev: *mut bindings::device, phys: u64) -> u64 {
    #[allow(clippy::useless_conversion, reason = "`dma_addr_t` may be 32 bits")]
    // SAFETY: By the safety requirements of this function.
    unsafe { dma_map_helper_phys_to_dma(dev.cast(), phys) }.into()
}

/// Puts `slot` into this CPU's cache, unless that has `capacity` already, or this interrupts
/// [`take_slot`].
///
/// C API: `this_cpu_try_cmpxchg()`. Context: any but NMI.
///
/// # Safety
///
/// - `cache` must be a valid per-CPU pointer to what begins as `mapped_pool`'s `Cache` does, of which
///   the invariants hold.
/// - `slot` must be valid, begin as `mapped_pool`'s `Slot` does, and be the caller's, who gives it away
///   if this returns true. `capacity` must be valid as long as it is the caller's.
#[inline(always)]
pub(crate) unsafe fn put_slot(
    cache: *mut c_void,
    slot: *mut c_void,
    capacity: *const usize,
) -> bool {
    // SAFETY: By the safety requirements of this function.
    unsafe { dma_map_helper_put_slot(cache, slot, capacity) }
}

/// Takes a slot out of this CPU's cache; NULL if there is none.
///
/// C API: `this_cpu_try_cmpxchg()`. Context: any but NMI.
///
/// # Safety
///
/// `cache` must be as in [`put_slot`], and all slots that were ever put there be valid.
#[inline(always)]
pub(crate) unsafe fn take_slot(cache: *mut c_void) -> *mut c_void {
    // SAFETY: By the safety requirements of this function.
    unsafe { dma_map_helper_take_slot(cache) }
}

/// Returns whether the kernel's own IOMMU code maps for `dev`.
///
/// # Safety
///
/// `dev` must point to a valid `struct device`.
pub(crate) unsafe fn use_dma_iommu(dev: *mut bindings::device) -> bool {
    // SAFETY: By the safety requirements of this function.
    unsafe { dma_map_helper_use_dma_iommu(dev.cast()) }
}

/// Returns whether the device needs calls of the sync functions: the branch that the C inline has.
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

    // SAFETY: By the safety requirements of this function. The flags are set and cleared with
    // atomic bit operations, so that the word is read once and whole, as `test_bit()` does.
    let flags = unsafe { (&raw const (*dev).flags[word]).read_volatile() };

    flags & (1 << (bit % c_ulong::BITS as usize)) == 0
}

/// Returns whether what was mapped for the device so far must be unmapped.
///
/// C API: `dma_need_unmap()`. Where the kernel has no sync at all, C says no, also of a device
/// behind an IOMMU; here the answer is yes then.
///
/// # Safety
///
/// `dev` must point to a valid `struct device` that has a DMA mask.
#[inline]
pub(crate) unsafe fn need_unmap(dev: *mut bindings::device) -> bool {
    #[cfg(CONFIG_DMA_NEED_SYNC)]
    // SAFETY: By the safety requirements of this function.
    return unsafe { bindings::dma_need_unmap(dev) };

    #[cfg(not(CONFIG_DMA_NEED_SYNC))]
    {
        let _ = dev;
        true
    }
}
