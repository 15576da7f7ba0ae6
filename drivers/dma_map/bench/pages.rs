// SPDX-License-Identifier: GPL-2.0

//! Scattered pages: no two of them are neighbours (`c_pages.c`).

use crate::engine::Idle;
use core::ptr::NonNull;
use dma_map::{
    sg::{
        Prebuilt,
        SgSource, //
    },
    DmaDevice,
    Gfp,
    PageList,
    SgMapping,
    ToDevice, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

extern "C" {
    fn dma_map_bench_vmalloc(count: c_uint) -> *mut u8;
    fn dma_map_bench_sieve(count: c_uint) -> *mut c_void;
    fn dma_map_bench_free_sieve(sieve: *mut c_void);
    fn dma_map_bench_entries(table: *const c_void) -> c_uint;
}

/// How many allocations are tried until one is scattered.
const ATTEMPTS: usize = 8;

/// Memory whose table has an entry for each page.
pub(crate) trait Scattered: SgSource<Element = u8> + Sized {
    /// Allocates `count` pages.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, also if no scattered pages are available.
    fn scattered(dev: DmaDevice<'_>, count: usize) -> Result<Self>;
}

impl Scattered for VVec<u8> {
    fn scattered(_dev: DmaDevice<'_>, count: usize) -> Result<Self> {
        let pages = u32::try_from(count)?;
        // SAFETY: No preconditions.
        let addr = unsafe { dma_map_bench_vmalloc(pages) };
        let addr = NonNull::new(addr).ok_or(ENOMEM)?;
        let size = count.checked_mul(PAGE_SIZE).ok_or(EINVAL)?;

        // SAFETY: Whole pages of zeroes, to be freed by `vfree()`, as `Vmalloc` does.
        Ok(unsafe { VVec::from_raw_parts(addr.as_ptr(), size, size) })
    }
}

impl Scattered for PageList {
    fn scattered(dev: DmaDevice<'_>, count: usize) -> Result<Self> {
        // Rejected pages are held, so that each attempt gets others.
        let mut rejected = KVec::new();

        for _ in 0..ATTEMPTS {
            let sieve = Sieve::new(count)?;
            let pages = PageList::zeroed(count, Gfp::Kernel)?;
            drop(sieve);

            let mapping = SgMapping::map(dev, pages, ToDevice, Idle, Gfp::Kernel)?;
            let table = core::ptr::from_ref(mapping.as_sg_table()).cast();
            // SAFETY: `table` is a valid `struct sg_table`, of which `SGTable` is a transparent wrapper.
            let entries = unsafe { dma_map_bench_entries(table) };
            let pages = mapping.unmap()?;

            if usize::try_from(entries)? == count {
                return Ok(pages);
            }
            rejected.push(pages, GFP_KERNEL)?;
        }
        Err(ENOMEM)
    }
}

impl Scattered for Prebuilt<PageList> {
    fn scattered(dev: DmaDevice<'_>, count: usize) -> Result<Self> {
        let pages = PageList::scattered(dev, count)?;
        Ok(Prebuilt::new(dev, pages, Gfp::Kernel)?)
    }
}

/// The pages between those that are allocated next, held until this is dropped.
struct Sieve(NonNull<c_void>);

impl Sieve {
    fn new(count: usize) -> Result<Self> {
        let pages = u32::try_from(count)?;
        // SAFETY: No preconditions.
        let sieve = unsafe { dma_map_bench_sieve(pages) };
        Ok(Self(NonNull::new(sieve).ok_or(ENOMEM)?))
    }
}

impl Drop for Sieve {
    fn drop(&mut self) {
        // SAFETY: The pointer is that of `dma_map_bench_sieve()`, and is not used again.
        unsafe { dma_map_bench_free_sieve(self.0.as_ptr()) };
    }
}
