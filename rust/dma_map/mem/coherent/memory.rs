// SPDX-License-Identifier: GPL-2.0

//! Coherent allocations, without a type and without a state.

use super::{
    super::deferred::{
        self,
        Unowned, //
    },
    CoherentOptions, //
};
use crate::{
    device::{
        refusal,
        DmaDevice, //
    },
    sys::{
        ffi,
        leak_tracking, //
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

/// The largest size that a constructor allows.
pub(super) trait Size {
    /// The first size that is refused, in bytes.
    const LIMIT: usize;
}

/// Sizes that every kernel can serve: below 128 KiB.
pub(super) struct Plain;

/// Sizes whose success depends on the kernel's configuration (CMA, an IOMMU).
pub(super) struct Large;

impl Size for Plain {
    const LIMIT: usize = SZ_128K;
}

impl Size for Large {
    // An allocation's size in bytes fits `isize`, as for every Rust type.
    const LIMIT: usize = isize::MAX as usize;
}

/// The arguments of `dma_free_attrs()`. Dropping this frees nothing.
///
/// # Invariants
///
/// They are those of one `dma_alloc_attrs()`. This value owns the memory.
pub struct CoherentAlloc {
    dev: *mut bindings::device,
    size: usize,
    cpu: *mut c_void,
    dma: DmaAddress,
    attrs: c_ulong,
}

// SAFETY: Any thread may free coherent memory.
unsafe impl Send for CoherentAlloc {}

// SAFETY: A shared reference gives only an address and a size.
unsafe impl Sync for CoherentAlloc {}

impl CoherentAlloc {
    /// Makes the value from the arguments of an allocation.
    ///
    /// # Safety
    ///
    /// They must be those of an allocation for `dev`. The caller gives up the ownership of the memory.
    #[inline]
    pub(super) unsafe fn from_parts(
        dev: DmaDevice<'_>,
        size: usize,
        cpu: *mut c_void,
        dma: DmaAddress,
        attrs: c_ulong,
    ) -> Self {
        // INVARIANT: The caller gives up an allocation with these arguments.
        Self {
            dev: dev.as_raw(),
            size,
            cpu,
            dma,
            attrs,
        }
    }

    #[inline]
    pub(super) fn size(&self) -> usize {
        self.size
    }

    #[inline]
    pub(super) fn dma(&self) -> DmaAddress {
        self.dma
    }

    /// Frees the memory, here or, where that is not legal, from a workqueue.
    ///
    /// # Safety
    ///
    /// Nobody may use the memory any more, and `dev` must be its device.
    #[inline]
    pub(super) unsafe fn free_anywhere(self, dev: DmaDevice<'_>) {
        // A free that cannot be deferred, for lack of memory, stays tracked. So the entry is removed only
        // where the memory is freed, and the context is checked first.
        if cfg!(CONFIG_DMA_API_DEBUG) {
            // SAFETY: The caller guarantees that the memory of `dev` is unused.
            return unsafe { deferred::free(dev, self.size, self) };
        }

        // SAFETY: By the type invariants these are the arguments of the allocation, which is unused.
        unsafe { ffi::free_attrs(dev.as_binding(), self.size, self.cpu, self.dma, self.attrs) };
    }
}

impl Unowned for CoherentAlloc {
    #[inline]
    unsafe fn free(self) {
        leak_tracking::untrack(self.dev, || leak_tracking::Entry::Coherent {
            size: self.size,
            cpu: self.cpu,
            dma: self.dma,
            attrs: self.attrs,
        });
        // SAFETY: By the type invariants these are the arguments of the allocation. The caller
        // guarantees that it is unused, that this may sleep, and that the device is bound.
        unsafe { bindings::dma_free_attrs(self.dev, self.size, self.cpu, self.dma, self.attrs) }
    }
}

/// Defers a free, for the C helper that frees coherent memory, where that is not legal.
///
/// # Safety
///
/// Those of [`CoherentAlloc::free_anywhere`]; `binding` must be that of the memory's device.
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
        let memory = CoherentAlloc::from_parts(dev, size, cpu, dma, attrs);
        deferred::defer(dev, size, move || memory.free());
    }
}

/// Allocates `size` bytes of coherent memory, zeroed unless there is no kernel mapping.
///
/// # Errors
///
/// - `EINVAL`: `size` is 0, or not below the limit of `Z`, or beyond the driver's segment limits.
/// - `EIO`: the allocated memory crosses the boundary that the driver has stated, or the size is more
///   than the IOMMU has addresses for.
/// - `ENOMEM`.
#[inline]
pub(super) fn alloc<Z: Size>(
    dev: DmaDevice<'_>,
    size: usize,
    options: CoherentOptions,
) -> Result<(NonNull<c_void>, DmaAddress)> {
    if size == 0 || size >= Z::LIMIT {
        return Err(EINVAL);
    }
    let (constraints, beyond) = (dev.constraints(), options.is_beyond_segment_limits());
    if !beyond && !constraints.takes_coherent(size) {
        return Err(EINVAL);
    }
    // The IOMMU code counts pages in 32 bits, and warns when the array with a pointer to each is
    // larger than `INT_MAX`.
    let pages = size.div_ceil(PAGE_SIZE);
    if Z::LIMIT > SZ_128K
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
            options.gfp().as_raw() | bindings::__GFP_ZERO,
            options.attrs(),
        )
    };

    let cpu = NonNull::new(cpu)
        .ok_or_else(|| refusal::reason_of_allocation(dev, dev.coherent_mask(), size))?;
    // SAFETY: The function has not failed, so it has written the address.
    let dma = unsafe { dma.assume_init() };
    // SAFETY: Allocated above with these arguments. What releases it untracks it first.
    unsafe {
        tracked.add(dev.as_raw(), || leak_tracking::Entry::Coherent {
            size,
            cpu: cpu.as_ptr(),
            dma,
            attrs: options.attrs(),
        })
    };
    // The C function aligns to the size; CMA and a pool of the device's own align to less.
    if !beyond && constraints.crosses_coherent(dma, size) {
        // SAFETY: Allocated above for `dev`, and not used.
        unsafe {
            CoherentAlloc::from_parts(dev, size, cpu.as_ptr(), dma, options.attrs())
                .free_anywhere(dev)
        };
        return Err(EIO);
    }
    Ok((cpu, dma))
}
