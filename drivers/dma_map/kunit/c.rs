// SPDX-License-Identifier: GPL-2.0

//! Values of the C API for a device, which those of the library are compared with.

use core::ptr::NonNull;
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    error::to_result,
    prelude::*, //
};

extern "C" {
    fn dma_map_kunit_add_far_pool(dev: *mut c_void) -> *mut c_void;
    fn dma_map_kunit_bounce_pool(dev: *mut c_void) -> bool;
    fn dma_map_kunit_bounces_within(dev: *mut c_void) -> bool;
    fn dma_map_kunit_dma_dev_need_sync(dev: *mut c_void) -> bool;
    fn dma_map_kunit_dma_get_cache_alignment() -> c_int;
    fn dma_map_kunit_dma_get_max_seg_size(dev: *mut c_void) -> c_uint;
    fn dma_map_kunit_dma_get_min_align_mask(dev: *mut c_void) -> c_uint;
    fn dma_map_kunit_dma_get_seg_boundary(dev: *mut c_void) -> c_ulong;
    fn dma_map_kunit_dma_mapping_error(dev: *mut c_void, addr: bindings::dma_addr_t) -> bool;
    fn dma_map_kunit_dma_to_phys(
        dev: *mut c_void,
        addr: bindings::dma_addr_t,
    ) -> bindings::phys_addr_t;
    fn dma_map_kunit_dma_to_virt(dev: *mut c_void, addr: bindings::dma_addr_t) -> *mut c_void;
    fn dma_map_kunit_irqs_disabled() -> bool;
    fn dma_map_kunit_is_kfence(addr: *const c_void) -> bool;
    fn dma_map_kunit_is_pinned(addr: c_ulong) -> c_int;
    fn dma_map_kunit_let_pools_grow(dev: *mut c_void, grow: bool) -> bool;
    fn dma_map_kunit_may_do_io() -> bool;
    fn dma_map_kunit_must_bounce(
        dev: *mut c_void,
        phys: bindings::phys_addr_t,
        size: usize,
    ) -> bool;
    fn dma_map_kunit_node_of(addr: *const c_void) -> c_int;
    fn dma_map_kunit_remove_pool(dev: *mut c_void, pool: *mut c_void);
    fn dma_map_kunit_rescuers() -> c_uint;
    fn dma_map_kunit_set_dma_offset(dev: *mut c_void, offset: u64) -> c_int;
    fn dma_map_kunit_strict_iommu(dev: *mut c_void) -> bool;
    fn dma_map_kunit_swap_iommu_pages(dev: *mut c_void, sizes: c_ulong) -> c_ulong;
    fn dma_map_kunit_virt_to_phys(addr: *const c_void) -> bindings::phys_addr_t;
    fn dma_map_kunit_virt_to_page(addr: *const c_void) -> *mut c_void;
}

/// Returns the C structure of `dev`.
pub(crate) fn raw(dev: &Device<Bound>) -> *mut bindings::device {
    core::ptr::from_ref(dev).cast_mut().cast()
}

/// All that can be read out of a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Readout {
    pub(crate) mask: u64,
    pub(crate) coherent_mask: u64,
    pub(crate) required_mask: u64,
    pub(crate) addressing_limited: bool,
    pub(crate) max_mapping_size: usize,
    pub(crate) opt_mapping_size: usize,
    pub(crate) merge_boundary: u64,
    pub(crate) max_segment_size: u32,
    pub(crate) segment_boundary: u64,
    pub(crate) min_align_mask: u32,
    pub(crate) needs_sync: bool,
}

impl Readout {
    /// Asks the C API.
    pub(crate) fn of(dev: &Device<Bound>) -> Self {
        let raw = raw(dev);

        // SAFETY: `raw` is a valid device, and devices of both buses have a mask.
        unsafe {
            Self {
                mask: *(*raw).dma_mask,
                coherent_mask: (*raw).coherent_dma_mask,
                required_mask: bindings::dma_get_required_mask(raw),
                addressing_limited: bindings::dma_addressing_limited(raw),
                max_mapping_size: bindings::dma_max_mapping_size(raw),
                opt_mapping_size: bindings::dma_opt_mapping_size(raw),
                merge_boundary: bindings::dma_get_merge_boundary(raw) as u64,
                max_segment_size: dma_map_kunit_dma_get_max_seg_size(raw.cast()),
                segment_boundary: dma_map_kunit_dma_get_seg_boundary(raw.cast()) as u64,
                min_align_mask: dma_map_kunit_dma_get_min_align_mask(raw.cast()),
                needs_sync: dma_map_kunit_dma_dev_need_sync(raw.cast()),
            }
        }
    }
}

/// Returns whether there are bounce buffers for `dev`, wherever they are.
pub(crate) fn bounce_pool(dev: &Device<Bound>) -> bool {
    // SAFETY: `dev` is valid.
    unsafe { dma_map_kunit_bounce_pool(raw(dev).cast()) }
}

/// Returns whether `dev`, which has no IOMMU, reaches all bounce buffers that there are now.
pub(crate) fn bounces_within(dev: &Device<Bound>) -> bool {
    // SAFETY: `dev` is valid, and has a mask.
    unsafe { dma_map_kunit_bounces_within(raw(dev).cast()) }
}

/// Returns whether `dev`, which has no IOMMU, takes a bounce buffer for `memory`, in the linear mapping.
pub(crate) fn must_bounce(dev: &Device<Bound>, memory: &[u8]) -> bool {
    let phys = virt_to_phys(memory.as_ptr());

    // SAFETY: `dev` is valid, and has a mask.
    unsafe { dma_map_kunit_must_bounce(raw(dev).cast(), phys, memory.len()) }
}

/// Runs `f` while there is a bounce pool that hardly any device reaches, which `f` is told of.
pub(crate) fn with_far_pool<R>(dev: &Device<Bound>, f: impl FnOnce(bool) -> R) -> R {
    // SAFETY: `dev` is valid; the pool is taken back below.
    let pool = unsafe { dma_map_kunit_add_far_pool(raw(dev).cast()) };
    let result = f(!pool.is_null());
    // SAFETY: Added above, or NULL.
    unsafe { dma_map_kunit_remove_pool(raw(dev).cast(), pool) };
    result
}

/// Runs `f` while the kernel makes no more bounce pools.
pub(crate) fn without_growth<R>(dev: &Device<Bound>, f: impl FnOnce() -> R) -> R {
    // SAFETY: `dev` is valid. Cases do not run side by side, so nobody else changes this.
    let before = unsafe { dma_map_kunit_let_pools_grow(raw(dev).cast(), false) };
    let result = f();
    // SAFETY: `dev` is valid. The value is the one from before.
    unsafe { dma_map_kunit_let_pools_grow(raw(dev).cast(), before) };
    result
}

/// Runs `f` while the IOMMU has pages of `size` bytes alone; `None` if there is no IOMMU. Nothing must
/// be mapped meanwhile.
pub(crate) fn with_iommu_pages<R>(
    dev: &Device<Bound>,
    size: c_ulong,
    f: impl FnOnce() -> R,
) -> Option<R> {
    // SAFETY: `dev` is valid. Cases do not run side by side, and nothing is mapped.
    let before = unsafe { dma_map_kunit_swap_iommu_pages(raw(dev).cast(), size) };
    if before == 0 {
        return None;
    }
    let result = f();
    // SAFETY: `dev` is valid, and nothing is mapped. The value is the one from before.
    unsafe { dma_map_kunit_swap_iommu_pages(raw(dev).cast(), before) };
    Some(result)
}

impl Readout {
    /// All but whether syncs are needed. C finds that out whenever a mask is set, and a device whose
    /// mask was never set is one that needs them.
    pub(crate) fn without_syncs(self) -> Self {
        Self {
            needs_sync: false,
            ..self
        }
    }
}

/// Puts `offset` between the CPU's addresses and the device's, until it is unbound.
pub(crate) fn set_dma_offset(dev: &Device<Bound>, offset: u64) -> Result {
    // SAFETY: `dev` is bound, and nothing is mapped for it yet, as for the callers.
    to_result(unsafe { dma_map_kunit_set_dma_offset(raw(dev).cast(), offset) })
}

/// `dma_get_cache_alignment()`.
pub(crate) fn cache_alignment() -> c_int {
    // SAFETY: No preconditions.
    unsafe { dma_map_kunit_dma_get_cache_alignment() }
}

/// Returns whether interrupts are off.
pub(crate) fn irqs_disabled() -> bool {
    // SAFETY: No preconditions.
    unsafe { dma_map_kunit_irqs_disabled() }
}

/// Returns whether memory that this thread allocates may be freed by I/O.
pub(crate) fn may_do_io() -> bool {
    // SAFETY: No preconditions.
    unsafe { dma_map_kunit_may_do_io() }
}

/// Returns how many queues of this project have a thread for when memory is short.
pub(crate) fn rescuers() -> u32 {
    // SAFETY: No preconditions.
    unsafe { dma_map_kunit_rescuers() }
}

/// Returns whether KFENCE watches the object at `addr`.
pub(crate) fn is_kfence(addr: *const u8) -> bool {
    // SAFETY: The function compares the address.
    unsafe { dma_map_kunit_is_kfence(addr.cast()) }
}

/// `dma_need_unmap()`: whether what was mapped for `dev` so far must be unmapped.
pub(crate) fn needs_unmap(dev: &Device<Bound>) -> bool {
    // SAFETY: `dev` is valid, and has a mask.
    unsafe { bindings::dma_need_unmap(raw(dev)) }
}

/// Returns whether the page of user memory at `addr` is pinned.
pub(crate) fn is_pinned(addr: usize) -> Result<bool> {
    // SAFETY: The function checks the address.
    let pinned = unsafe { dma_map_kunit_is_pinned(addr) };

    kernel::error::to_result(pinned)?;
    Ok(pinned != 0)
}

/// Returns whether an IOMMU stands between `dev` and memory that forgets a mapping at once.
pub(crate) fn strict_iommu(dev: &Device<Bound>) -> bool {
    // SAFETY: `dev` is valid.
    unsafe { dma_map_kunit_strict_iommu(raw(dev).cast()) }
}

/// Returns where on the CPU's bus the byte is that `dev` reaches at `address`; 0 if there is none.
pub(crate) fn dma_to_phys(dev: &Device<Bound>, address: bindings::dma_addr_t) -> u64 {
    // SAFETY: `dev` is valid.
    unsafe { dma_map_kunit_dma_to_phys(raw(dev).cast(), address) }
}

/// Returns the IOMMU's domain that the DMA API maps in for `dev`, if there is one.
pub(crate) fn dma_domain(dev: &Device<Bound>) -> Option<NonNull<bindings::iommu_domain>> {
    // SAFETY: `dev` is valid; so is its domain, while it is bound.
    unsafe {
        let domain = NonNull::new(bindings::iommu_get_domain_for_dev(raw(dev)))?;
        ((*domain.as_ptr()).type_ & bindings::__IOMMU_DOMAIN_DMA_API != 0).then_some(domain)
    }
}

/// Returns the page at `address`, which must be in the linear mapping.
pub(crate) fn virt_to_page(address: *const u8) -> *mut bindings::page {
    // SAFETY: The function only computes.
    unsafe { dma_map_kunit_virt_to_page(address.cast()) }.cast()
}

/// Returns where the CPU finds the byte that `dev` reaches at `address`.
pub(crate) fn dma_to_virt(dev: &Device<Bound>, address: bindings::dma_addr_t) -> *mut u8 {
    // SAFETY: `dev` is valid.
    unsafe { dma_map_kunit_dma_to_virt(raw(dev).cast(), address) }.cast()
}

/// Returns the NUMA node of the memory at `addr`, which is in the linear mapping.
pub(crate) fn node_of(addr: *const u8) -> c_int {
    // SAFETY: The function looks at the page, which exists.
    unsafe { dma_map_kunit_node_of(addr.cast()) }
}

/// `dma_mapping_error()`.
pub(crate) fn mapping_error(dev: &Device<Bound>, address: bindings::dma_addr_t) -> bool {
    // SAFETY: `dev` is valid.
    unsafe { dma_map_kunit_dma_mapping_error(raw(dev).cast(), address) }
}

/// Returns how many bytes of memory the machine has.
pub(crate) fn total_memory() -> usize {
    // SAFETY: A counter that is not changed after boot.
    let pages = unsafe { (&raw const bindings::_totalram_pages.counter).read_volatile() };

    pages as usize * kernel::page::PAGE_SIZE
}

/// Returns where on its bus the CPU finds the byte at `addr`, which is in the linear mapping.
pub(crate) fn virt_to_phys(addr: *const u8) -> u64 {
    // SAFETY: The function computes, and does not access.
    unsafe { dma_map_kunit_virt_to_phys(addr.cast()) }
}
