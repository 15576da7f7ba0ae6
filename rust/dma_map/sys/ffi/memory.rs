// SPDX-License-Identifier: GPL-2.0

//! What C knows of memory by its address: its kind, its page, its place in the linear mapping.

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

/// Writes back what the caches hold of memory by an address of `vmap()`, where that is a matter of
/// its own.
///
/// C API: `flush_kernel_vmap_range()`.
///
/// # Safety
///
/// The range must be mapped.
#[inline]
pub(crate) unsafe fn flush_vmap(addr: *mut c_void, size: usize) {
    // SAFETY: By the safety requirements of this function.
    //
    // CAST: The C API counts in `int`, and flushes all for more than a few pages.
    unsafe { dma_map_helper_flush_vmap(addr, size as c_int) }
}

/// Returns whether coherent memory has a `struct page` for each of its pages.
///
/// # Safety
///
/// `dev` must point to a bound device that reaches coherent memory of its own at `dma`.
#[inline]
pub(crate) unsafe fn has_pages(dev: *mut bindings::device, dma: DmaAddress) -> bool {
    // SAFETY: By the safety requirements of this function.
    unsafe { dma_map_helper_has_pages(dev.cast(), dma) }
}

/// Drops what the caches hold of memory by an address of `vmap()`; see [`flush_vmap`].
///
/// C API: `invalidate_kernel_vmap_range()`.
///
/// # Safety
///
/// The range must be mapped.
#[inline]
pub(crate) unsafe fn invalidate_vmap(addr: *mut c_void, size: usize) {
    // SAFETY: By the safety requirements of this function.
    //
    // CAST: As in `flush_vmap`.
    unsafe { dma_map_helper_invalidate_vmap(addr, size as c_int) }
}

/// Returns whether KFENCE watches the object at `addr`, which has a page to itself then.
#[inline]
pub(crate) fn is_kfence(addr: *const u8) -> bool {
    // SAFETY: The function compares the address.
    unsafe { dma_map_helper_is_kfence(addr.cast()) }
}

/// Returns whether the byte at `phys` is memory that the page allocator hands out.
#[inline]
pub(crate) fn is_ram(phys: u64) -> bool {
    // SAFETY: The function looks at the address, and only at that.
    unsafe { dma_map_helper_is_ram(phys) }
}

/// Returns whether `len` bytes at `addr`, at least one, are memory of `kmalloc()` or of a slab cache, in
/// the linear mapping.
///
/// No stack, static variable, vmalloc memory or page of the page allocator is, nor what `kmap()`
/// makes. Tags in the address do not matter.
#[inline]
pub(crate) fn is_slab(addr: *const u8, len: usize) -> bool {
    // SAFETY: The function looks at the address, and at the page that it is in, if there is one.
    unsafe { dma_map_helper_is_slab(addr.cast(), len) }
}

/// Returns whether no buffer of `size` bytes from `kmalloc()` shares a cache line, as the kernel sees it:
/// it bounces others for a device that writes to them and is not coherent with the caches.
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
    // SAFETY: By the safety requirements of this function.
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
    // SAFETY: By the safety requirements of this function.
    unsafe { dma_map_helper_page_to_phys(page.cast()) }
}

/// Returns the page that holds the byte at `phys`.
///
/// # Safety
///
/// `phys` must be memory that has a `struct page`.
#[inline]
pub(crate) unsafe fn phys_to_page(phys: u64) -> *mut bindings::page {
    // SAFETY: By the safety requirements of this function.
    unsafe { dma_map_helper_phys_to_page(phys) }.cast()
}

/// Returns the address at which the linear mapping has, or would have, the byte at `phys`.
#[cfg(CONFIG_X86_64)]
pub(crate) fn phys_to_virt(phys: u64) -> *mut c_void {
    // SAFETY: The function computes an address, and looks at nothing.
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
    // SAFETY: By the safety requirements of this function.
    unsafe { dma_map_helper_virt_to_phys(addr.cast_mut()) }
}
