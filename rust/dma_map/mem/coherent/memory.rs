// SPDX-License-Identifier: GPL-2.0

//! Coherent allocations, without a type and without a state.

use super::{
    super::deferred,
    CoherentOptions, //
};
use crate::{
    device::{
        refusal,
        DmaDevice, //
    },
    sys::{
        ffi,
        leak_tracking::{
            self,
            Entry, //
        },
    },
};
use core::{
    mem::MaybeUninit,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    dma::DmaAddress,
    page::PAGE_SIZE,
    prelude::*,
    sizes::SZ_128K, //
};

/// The first size that a constructor refuses, for sizes that every kernel can serve: 128 KiB.
pub(super) const PLAIN: usize = SZ_128K;

/// The first size that a constructor refuses, for sizes whose success depends on the kernel's
/// configuration (CMA, an IOMMU). An allocation's size in bytes fits `isize`, as for every Rust type.
pub(super) const LARGE: usize = isize::MAX as usize;

/// Returns coherent memory as what frees it.
#[inline]
pub(super) fn entry(size: usize, cpu: *mut c_void, dma: DmaAddress, attrs: c_ulong) -> Entry {
    Entry::Coherent {
        size,
        cpu,
        dma,
        attrs,
    }
}

/// Frees coherent memory, here or, where that is not legal, from a workqueue.
///
/// # Safety
///
/// These must be the arguments of one `dma_alloc_attrs()` for `dev`, whose memory nobody uses any more.
#[inline]
pub(super) unsafe fn free(
    dev: DmaDevice<'_>,
    size: usize,
    cpu: *mut c_void,
    dma: DmaAddress,
    attrs: c_ulong,
) {
    // SAFETY: By the preconditions of this function.
    unsafe {
        // A free that cannot be deferred, for lack of memory, stays tracked. So the entry is removed only
        // where the memory is freed, and the context is checked first.
        if cfg!(CONFIG_DMA_API_DEBUG) {
            deferred::free(dev, size, entry(size, cpu, dma, attrs));
        } else {
            ffi::free_attrs(dev.as_binding(), size, cpu, dma, attrs);
        }
    }
}

/// Defers a free, for the C helper that frees coherent memory, where that is not legal.
///
/// # Safety
///
/// Those of [`free`]; `binding` must be that of the memory's device.
#[no_mangle]
unsafe extern "C" fn dma_map_free_later(
    binding: *const c_void,
    size: usize,
    cpu: *mut c_void,
    dma: DmaAddress,
    attrs: c_ulong,
) {
    // SAFETY: The caller guarantees that `binding` is that of the device, and that the memory is unused.
    unsafe {
        let dev = DmaDevice::from_binding(binding);
        deferred::free_later(dev, size, entry(size, cpu, dma, attrs));
    }
}

/// Allocates `size` bytes of coherent memory, zeroed unless there is no kernel mapping.
///
/// # Errors
///
/// - `EINVAL`: `size` is 0, or not below `LIMIT`, or beyond the driver's segment limits.
/// - `EIO`: the allocated memory crosses the boundary that the driver has stated, or the size is more
///   than the IOMMU has addresses for.
/// - `ENOMEM`.
#[inline]
pub(super) fn alloc<const LIMIT: usize>(
    dev: DmaDevice<'_>,
    size: usize,
    options: CoherentOptions,
) -> Result<(NonNull<c_void>, DmaAddress)> {
    if size == 0 || size >= LIMIT {
        return Err(EINVAL);
    }
    let (constraints, beyond) = (dev.constraints(), options.beyond_segments);
    if !beyond && !constraints.takes_coherent(size) {
        return Err(EINVAL);
    }
    // The IOMMU code counts pages in 32 bits, and warns when the array with a pointer to each is
    // larger than `INT_MAX`.
    let pages = size.div_ceil(PAGE_SIZE);
    if LIMIT > PLAIN
        && (pages > ffi::total_pages() || pages > i32::MAX as usize / size_of::<usize>())
    {
        return Err(ENOMEM);
    }

    let tracked = leak_tracking::ListNode::new()?;
    let mut dma = MaybeUninit::<DmaAddress>::uninit();
    // SAFETY: `dev` is bound, by the type invariants of `DmaDevice`.
    let cpu = unsafe {
        bindings::dma_alloc_attrs(
            dev.as_raw(),
            size,
            dma.as_mut_ptr(),
            options.gfp.as_raw() | bindings::__GFP_ZERO,
            options.attrs(),
        )
    };

    let cpu = NonNull::new(cpu)
        .ok_or_else(|| refusal::reason_of_allocation(dev, dev.coherent_mask(), size))?;
    // SAFETY: The function has not failed, so it has written the address.
    let dma = unsafe { dma.assume_init() };
    // SAFETY: Allocated above with these arguments. What releases it untracks it first.
    unsafe {
        tracked.add(dev.as_raw(), || {
            entry(size, cpu.as_ptr(), dma, options.attrs())
        })
    };
    // The C function aligns to the size; CMA and a pool of the device's own align to less.
    if !beyond && constraints.crosses_coherent(dma, size) {
        // SAFETY: Allocated above for `dev`, and not used.
        unsafe { free(dev, size, cpu.as_ptr(), dma, options.attrs()) };
        return Err(EIO);
    }
    Ok((cpu, dma))
}
