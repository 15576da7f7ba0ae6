// SPDX-License-Identifier: GPL-2.0

//! The linear mapping and the array of pages.
//!
//! C computes a physical address and a `struct page` inline. From Rust each would be a call of a C
//! helper. So the offsets that the inlines use are looked up once, when the module is loaded, where
//! they are the same for all memory. Elsewhere the helper is called.

use super::ffi;
use core::sync::atomic::{
    AtomicUsize,
    Ordering::Relaxed, //
};
use kernel::bindings;

/// The address of physical address 0 in the linear mapping, once [`init`] has run.
#[cfg(CONFIG_X86_64)]
static MEMORY: AtomicUsize = AtomicUsize::new(0);

/// The address of page 0 in the array of pages, once [`init`] has run.
#[cfg(CONFIG_SPARSEMEM_VMEMMAP)]
static PAGES: AtomicUsize = AtomicUsize::new(0);

/// Looks the offsets up, before anything is mapped.
pub(crate) fn init() {
    #[cfg(CONFIG_X86_64)]
    MEMORY.store(ffi::phys_to_virt(0).addr(), Relaxed);

    #[cfg(CONFIG_SPARSEMEM_VMEMMAP)]
    // SAFETY: The array of pages is virtually contiguous, so the helper only computes the address,
    // which is not dereferenced.
    PAGES.store(unsafe { ffi::phys_to_page(0) }.addr(), Relaxed);
}

/// Returns the physical address of the byte at `addr`.
///
/// # Safety
///
/// `addr` must be an address in the kernel's linear mapping.
#[inline]
pub(crate) unsafe fn phys(addr: *const u8) -> u64 {
    // Exposed: from here on, the compiler must expect accesses to the memory by this number.
    //
    // CAST: `usize` has 64 bits.
    #[cfg(CONFIG_X86_64)]
    return addr.expose_provenance().wrapping_sub(MEMORY.load(Relaxed)) as u64;

    #[cfg(not(CONFIG_X86_64))]
    // SAFETY: `addr` is in the linear mapping (function precondition).
    unsafe {
        ffi::virt_to_phys(addr.cast_mut().cast())
    }
}

/// Returns the page that holds the byte at `phys`.
///
/// # Safety
///
/// `phys` must be memory that has a `struct page`.
#[inline]
pub(crate) unsafe fn page(phys: u64) -> *mut bindings::page {
    #[cfg(CONFIG_SPARSEMEM_VMEMMAP)]
    {
        use kernel::page::PAGE_SHIFT;

        // CAST: The number of a page that exists, whose place in the array is an address.
        let offset = ((phys >> PAGE_SHIFT) as usize).wrapping_mul(size_of::<bindings::page>());
        // The array has no other pointer in Rust. C makes this one from an integer, too.
        core::ptr::with_exposed_provenance_mut(PAGES.load(Relaxed).wrapping_add(offset))
    }

    #[cfg(not(CONFIG_SPARSEMEM_VMEMMAP))]
    // SAFETY: `phys` has a `struct page` (function precondition).
    unsafe {
        ffi::phys_to_page(phys)
    }
}

/// Returns the address in the array of pages at which the pages up to physical address `limit` end;
/// `None` if the array does not tell.
#[inline]
pub(crate) fn pages_within(limit: u64) -> Option<usize> {
    #[cfg(CONFIG_SPARSEMEM_VMEMMAP)]
    {
        use kernel::page::{
            PAGE_SHIFT,
            PAGE_SIZE, //
        };

        if limit == u64::MAX {
            return Some(usize::MAX);
        }
        if limit.wrapping_add(1) % PAGE_SIZE as u64 != 0 {
            return None;
        }
        // CAST: A page number. If it lies beyond the array, all pages are within `limit`.
        let offset = ((limit >> PAGE_SHIFT) as usize)
            .saturating_add(1)
            .saturating_mul(size_of::<bindings::page>());
        Some(PAGES.load(Relaxed).saturating_add(offset))
    }

    #[cfg(not(CONFIG_SPARSEMEM_VMEMMAP))]
    {
        let _ = limit;
        None
    }
}

/// Returns the physical address of the first byte of `page`.
///
/// # Safety
///
/// `page` must point to a valid `struct page`.
#[inline]
pub(crate) unsafe fn page_phys(page: *mut bindings::page) -> u64 {
    #[cfg(CONFIG_SPARSEMEM_VMEMMAP)]
    {
        use kernel::page::PAGE_SHIFT;

        // The offset of the page in the array.
        let offset = page.addr().wrapping_sub(PAGES.load(Relaxed));
        // CAST: The number of a page that exists.
        ((offset / size_of::<bindings::page>()) as u64) << PAGE_SHIFT
    }

    #[cfg(not(CONFIG_SPARSEMEM_VMEMMAP))]
    // SAFETY: `page` points to a valid `struct page` (function precondition).
    unsafe {
        ffi::page_to_phys(page)
    }
}
