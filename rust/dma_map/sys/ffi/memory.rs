// SPDX-License-Identifier: GPL-2.0

//! Memory queries by address: kind, page, place in the linear mapping.

use kernel::{
    bindings,
    dma::DmaAddress,
    prelude::*, //
};

// The `safe` ones have no preconditions: what gets an address compares it, computes with it, or checks
// that it has a `struct page` before it reads that.
//
// SAFETY: The declarations are those of `helpers.h`.
#[allow(improper_ctypes, reason = "C knows the layout of bindgen's types")]
unsafe extern "C" {
    /// Writes back the cache lines of a `vmap()` range, on architectures that cache it separately.
    ///
    /// C API: `flush_kernel_vmap_range()`.
    ///
    /// # Safety
    ///
    /// The range must be mapped.
    #[link_name = "dma_map_helper_flush_vmap"]
    pub(crate) fn flush_vmap(addr: *mut c_void, size: usize);

    /// Returns whether each page of the device's coherent memory at `dma` has a `struct page`.
    ///
    /// # Safety
    ///
    /// `dev` must point to a bound device that has coherent memory at `dma`.
    #[link_name = "dma_map_helper_has_pages"]
    pub(crate) fn has_pages(dev: *mut bindings::device, dma: DmaAddress) -> bool;

    /// Invalidates the cache lines of a `vmap()` range; see [`flush_vmap`].
    ///
    /// C API: `invalidate_kernel_vmap_range()`.
    ///
    /// # Safety
    ///
    /// The range must be mapped.
    #[link_name = "dma_map_helper_invalidate_vmap"]
    pub(crate) fn invalidate_vmap(addr: *mut c_void, size: usize);

    /// Returns whether the object at `addr` belongs to KFENCE, which gives it a page of its own.
    #[link_name = "dma_map_helper_is_kfence"]
    pub(crate) safe fn is_kfence(addr: *const u8) -> bool;

    /// Returns whether the byte at `phys` is memory that the page allocator hands out.
    #[link_name = "dma_map_helper_is_ram"]
    pub(crate) safe fn is_ram(phys: bindings::phys_addr_t) -> bool;

    /// Returns whether `len` bytes at `addr`, at least one, are memory of `kmalloc()` or of a slab
    /// cache, in the linear mapping.
    ///
    /// Stacks, static variables, vmalloc memory, pages of the page allocator and `kmap()` addresses are
    /// not. Tags in the address do not matter.
    #[link_name = "dma_map_helper_is_slab"]
    pub(crate) safe fn is_slab(addr: *const u8, len: usize) -> bool;

    /// Returns whether a `kmalloc()` buffer of `size` bytes never shares a cache line, by the kernel's
    /// rule. The kernel bounces other sizes for a device that writes to them and is not coherent with
    /// the caches.
    ///
    /// C API: `dma_kmalloc_size_aligned()`.
    #[link_name = "dma_map_helper_kmalloc_size_aligned"]
    pub(crate) safe fn kmalloc_size_aligned(size: usize) -> bool;

    /// Returns the address of `page` in the linear mapping.
    ///
    /// # Safety
    ///
    /// `page` must point to a valid `struct page` that is not in high memory.
    #[link_name = "dma_map_helper_page_address"]
    pub(crate) fn page_address(page: *mut bindings::page) -> *mut c_void;

    /// Returns the physical address of the first byte of `page`.
    ///
    /// # Safety
    ///
    /// `page` must point to a valid `struct page`.
    #[cfg(not(CONFIG_SPARSEMEM_VMEMMAP))]
    #[link_name = "dma_map_helper_page_to_phys"]
    pub(crate) fn page_to_phys(page: *mut bindings::page) -> bindings::phys_addr_t;

    /// Returns the page that holds the byte at `phys`.
    ///
    /// # Safety
    ///
    /// `phys` must be memory that has a `struct page`.
    #[link_name = "dma_map_helper_phys_to_page"]
    pub(crate) fn phys_to_page(phys: bindings::phys_addr_t) -> *mut bindings::page;

    /// Returns the address that the byte at `phys` has, or would have, in the linear mapping.
    #[cfg(CONFIG_X86_64)]
    #[link_name = "dma_map_helper_phys_to_virt"]
    pub(crate) safe fn phys_to_virt(phys: bindings::phys_addr_t) -> *mut c_void;

    /// Returns how many pages of memory the machine has.
    #[link_name = "dma_map_helper_totalram_pages"]
    pub(crate) safe fn total_pages() -> usize;

    /// Returns the physical address of the byte at `addr`.
    ///
    /// # Safety
    ///
    /// `addr` must be an address in the kernel's linear mapping.
    #[cfg(not(CONFIG_X86_64))]
    #[link_name = "dma_map_helper_virt_to_phys"]
    pub(crate) fn virt_to_phys(addr: *mut c_void) -> bindings::phys_addr_t;
}
