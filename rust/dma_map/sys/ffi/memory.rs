// SPDX-License-Identifier: GPL-2.0

//! Memory queries by address: kind, page, place in the linear mapping.

use kernel::{
    bindings,
    dma::DmaAddress,
    prelude::*, //
};

extern "C" {
    fn dma_map_helper_flush_vmap(addr: *mut c_void, size: c_int);
    fn dma_map_helper_has_pages(dev: *mut c_void, dma: DmaAddress) -> bool;
    fn dma_map_helper_invalidate_vmap(addr: *mut c_void, size: c_int);
    fn dma_map_helper_is_kfence(addr: *const c_void) -> bool;
    fn dma_map_helper_is_ram(phys: bindings::phys_addr_t) -> bool;
    fn dma_map_helper_is_slab(addr: *const c_void, len: usize) -> bool;
    fn dma_map_helper_kmalloc_size_aligned(size: usize) -> bool;
    fn dma_map_helper_page_address(page: *mut c_void) -> *mut c_void;
    #[cfg(not(CONFIG_SPARSEMEM_VMEMMAP))]
    fn dma_map_helper_page_to_phys(page: *mut c_void) -> bindings::phys_addr_t;
    fn dma_map_helper_phys_to_page(phys: bindings::phys_addr_t) -> *mut c_void;
    #[cfg(CONFIG_X86_64)]
    fn dma_map_helper_phys_to_virt(phys: bindings::phys_addr_t) -> *mut c_void;
    fn dma_map_helper_totalram_pages() -> c_ulong;
    #[cfg(not(CONFIG_X86_64))]
    fn dma_map_helper_virt_to_phys(addr: *mut c_void) -> bindings::phys_addr_t;
}

/// Writes back the cache lines of a `vmap()` range, on architectures that cache it separately.
///
/// C API: `flush_kernel_vmap_range()`.
///
/// # Safety
///
/// The range must be mapped.
#[inline]
pub(crate) unsafe fn flush_vmap(addr: *mut c_void, size: usize) {
    // SAFETY: The range is mapped (function precondition).
    //
    // CAST: The C API counts in `int`, and flushes the whole cache for more than a few pages.
    unsafe { dma_map_helper_flush_vmap(addr, size as c_int) }
}

/// Returns whether each page of the device's coherent memory at `dma` has a `struct page`.
///
/// # Safety
///
/// `dev` must point to a bound device that has coherent memory at `dma`.
#[inline]
pub(crate) unsafe fn has_pages(dev: *mut bindings::device, dma: DmaAddress) -> bool {
    // SAFETY: `dev` is bound, and `dma` is of its coherent memory (function preconditions).
    unsafe { dma_map_helper_has_pages(dev.cast(), dma) }
}

/// Invalidates the cache lines of a `vmap()` range; see [`flush_vmap`].
///
/// C API: `invalidate_kernel_vmap_range()`.
///
/// # Safety
///
/// The range must be mapped.
#[inline]
pub(crate) unsafe fn invalidate_vmap(addr: *mut c_void, size: usize) {
    // SAFETY: The range is mapped (function precondition).
    //
    // CAST: As in `flush_vmap`.
    unsafe { dma_map_helper_invalidate_vmap(addr, size as c_int) }
}

/// Returns whether the object at `addr` belongs to KFENCE, which gives it a page of its own.
#[inline]
pub(crate) fn is_kfence(addr: *const u8) -> bool {
    // SAFETY: The helper only compares the address.
    unsafe { dma_map_helper_is_kfence(addr.cast()) }
}

/// Returns whether the byte at `phys` is memory that the page allocator hands out.
#[inline]
pub(crate) fn is_ram(phys: u64) -> bool {
    // SAFETY: The helper checks that the address has a `struct page` before it reads that.
    unsafe { dma_map_helper_is_ram(phys) }
}

/// Returns whether `len` bytes at `addr`, at least one, are memory of `kmalloc()` or of a slab cache, in
/// the linear mapping.
///
/// Stacks, static variables, vmalloc memory, pages of the page allocator and `kmap()` addresses are
/// not. Tags in the address do not matter.
#[inline]
pub(crate) fn is_slab(addr: *const u8, len: usize) -> bool {
    // SAFETY: The helper checks that the address has a `struct page` before it reads that.
    unsafe { dma_map_helper_is_slab(addr.cast(), len) }
}

/// Returns whether a `kmalloc()` buffer of `size` bytes never shares a cache line, by the kernel's
/// rule. The kernel bounces other sizes for a device that writes to them and is not coherent with the
/// caches.
///
/// C API: `dma_kmalloc_size_aligned()`.
#[inline]
pub(crate) fn kmalloc_size_aligned(size: usize) -> bool {
    // SAFETY: The function has no preconditions.
    unsafe { dma_map_helper_kmalloc_size_aligned(size) }
}

/// Returns the address of `page` in the linear mapping.
///
/// # Safety
///
/// `page` must point to a valid `struct page` that is not in high memory.
#[inline]
pub(crate) unsafe fn page_address(page: *mut bindings::page) -> *mut c_void {
    // SAFETY: `page` is valid and not in high memory (function preconditions).
    unsafe { dma_map_helper_page_address(page.cast()) }
}

/// Returns the physical address of the first byte of `page`.
///
/// # Safety
///
/// `page` must point to a valid `struct page`.
#[cfg(not(CONFIG_SPARSEMEM_VMEMMAP))]
#[inline]
pub(crate) unsafe fn page_to_phys(page: *mut bindings::page) -> u64 {
    // SAFETY: `page` is valid (function precondition).
    unsafe { dma_map_helper_page_to_phys(page.cast()) }
}

/// Returns the page that holds the byte at `phys`.
///
/// # Safety
///
/// `phys` must be memory that has a `struct page`.
#[inline]
pub(crate) unsafe fn phys_to_page(phys: u64) -> *mut bindings::page {
    // SAFETY: `phys` has a `struct page` (function precondition).
    unsafe { dma_map_helper_phys_to_page(phys) }.cast()
}

/// Returns the address that the byte at `phys` has, or would have, in the linear mapping.
#[cfg(CONFIG_X86_64)]
pub(crate) fn phys_to_virt(phys: u64) -> *mut c_void {
    // SAFETY: The helper only computes an address.
    unsafe { dma_map_helper_phys_to_virt(phys) }
}

/// Returns how many pages of memory the machine has.
#[inline]
pub(crate) fn total_pages() -> usize {
    // SAFETY: The function has no preconditions.
    let pages = unsafe { dma_map_helper_totalram_pages() };

    // CAST: `unsigned long` has the size of `usize`.
    pages as usize
}

/// Returns the physical address of the byte at `addr`.
///
/// # Safety
///
/// `addr` must be an address in the kernel's linear mapping.
#[cfg(not(CONFIG_X86_64))]
#[inline]
pub(crate) unsafe fn virt_to_phys(addr: *const c_void) -> u64 {
    // SAFETY: `addr` is in the linear mapping (function precondition).
    unsafe { dma_map_helper_virt_to_phys(addr.cast_mut()) }
}
