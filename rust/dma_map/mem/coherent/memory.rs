// SPDX-License-Identifier: GPL-2.0

//! One allocation of coherent memory, without a type and without a state.

use super::CoherentOptions;
use crate::{
    device::{
        refusal,
        DmaDevice, //
    },
    sys::{
        deferral,
        ffi,
        ledger, //
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

/// How large a region the caller is prepared for.
pub(super) trait Size {
    /// The first size that is refused, in bytes.
    const LIMIT: usize;

    /// Whether there may be more of it than the C API can count, or than the machine has.
    const MAY_EXCEED: bool;
}

/// Regions that every kernel can serve: below 128 KiB.
pub(super) struct Plain;

/// Regions whose size depends on the kernel's configuration (CMA, an IOMMU).
pub(super) struct Large;

impl Size for Plain {
    const LIMIT: usize = SZ_128K;
    const MAY_EXCEED: bool = false;
}

impl Size for Large {
    // An allocation's size in bytes fits `isize`, as for every Rust type.
    const LIMIT: usize = isize::MAX as usize;
    const MAY_EXCEED: bool = true;
}

/// The arguments of `dma_free_attrs()`; nothing is freed when this is dropped.
///
/// # Invariants
///
/// They are those of one `dma_alloc_attrs()`. Whoever has this owns the memory.
pub struct Memory {
    dev: *mut bindings::device,
    size: usize,
    cpu: *mut c_void,
    dma: DmaAddress,
    attrs: c_ulong,
}

// SAFETY: Coherent memory may be freed by any thread.
unsafe impl Send for Memory {}

// SAFETY: By a shared reference there are an address and a size.
unsafe impl Sync for Memory {}

impl Memory {
    /// Names an allocation by its parts again.
    ///
    /// # Safety
    ///
    /// They must be those of an allocation for `dev`, which the caller gives away here.
    #[inline]
    pub(super) unsafe fn from_parts(
        dev: DmaDevice<'_>,
        size: usize,
        cpu: *mut c_void,
        dma: DmaAddress,
        attrs: c_ulong,
    ) -> Self {
        // INVARIANT: By the safety requirements of this function.
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

    /// Frees the memory.
    ///
    /// # Safety
    ///
    /// The memory must not be used any more, by anyone. The caller must be in a context that may
    /// sleep, and the device bound.
    #[inline]
    pub(crate) unsafe fn free(self) {
        ledger::strike(self.dev, || ledger::Entry::Coherent {
            size: self.size,
            cpu: self.cpu,
            dma: self.dma,
            attrs: self.attrs,
        });
        // SAFETY: By the type invariants and the safety requirements of this function.
        unsafe { bindings::dma_free_attrs(self.dev, self.size, self.cpu, self.dma, self.attrs) }
    }

    /// Frees the memory, now or, where that is not legal, a little later.
    ///
    /// # Safety
    ///
    /// The memory must not be used any more, by anyone, and `dev` be its device.
    #[inline]
    pub(super) unsafe fn free_anywhere(self, dev: DmaDevice<'_>) {
        // What is put off for want of memory stays in the ledger, so it is asked here first.
        if cfg!(CONFIG_DMA_API_DEBUG) {
            if ffi::may_sleep() {
                // SAFETY: By the safety requirements of this function; `dev` is bound.
                unsafe { self.free() };
            } else {
                // SAFETY: As for this function.
                unsafe { self.free_later(dev) };
            }
            return;
        }

        // SAFETY: By the type invariants and the safety requirements of this function.
        unsafe { ffi::free_attrs(dev.as_binding(), self.size, self.cpu, self.dma, self.attrs) };
    }

    /// Frees the memory a little later.
    ///
    /// # Safety
    ///
    /// That of [`free_anywhere`](Self::free_anywhere).
    unsafe fn free_later(self, dev: DmaDevice<'_>) {
        let size = self.size;
        // SAFETY: The memory is the closure's alone, and the device is bound until it has run.
        if !unsafe { deferral::defer(Some(dev), move || self.free()) } {
            dev.quarantine(size);
        }
    }
}

/// Where the C helper goes that frees coherent memory, if that is not legal at the moment.
///
/// # Safety
///
/// That of [`Memory::free_anywhere`]; `binding` must be that of the memory's device.
#[no_mangle]
unsafe extern "C" fn dma_map_free_later(
    binding: *const c_void,
    size: usize,
    cpu: *mut c_void,
    dma: DmaAddress,
    attrs: c_ulong,
) {
    // SAFETY: By the safety requirements of this function.
    unsafe {
        let dev = DmaDevice::from_binding(binding);
        Memory::from_parts(dev, size, cpu, dma, attrs).free_later(dev);
    }
}

/// Allocates `size` bytes of coherent memory, zeroed unless there is no kernel mapping.
///
/// # Errors
///
/// - `EINVAL`: `size` is 0, or not below the limit of `Z`, or no segment that the driver has stated can
///   be that long.
/// - `EIO`: what was found crosses the boundary that the driver has stated, or it is more than the IOMMU
///   has addresses for.
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
    let (reach, beyond) = (dev.reach(), options.is_beyond_segment_limits());
    if !beyond && !reach.takes_coherent(size) {
        return Err(EINVAL);
    }
    // The IOMMU code counts pages in 32 bits, and warns when the array with a pointer to each is
    // larger than `INT_MAX`.
    let pages = size.div_ceil(PAGE_SIZE);
    if Z::MAY_EXCEED
        && (pages > ffi::total_pages() || pages > i32::MAX as usize / size_of::<usize>())
    {
        return Err(ENOMEM);
    }

    let line = ledger::Line::new()?;
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
    // SAFETY: The function has written it, because it did not fail.
    let dma = unsafe { dma.assume_init() };
    line.enter(dev.as_raw(), || ledger::Entry::Coherent {
        size,
        cpu: cpu.as_ptr(),
        dma,
        attrs: options.attrs(),
    });
    // The C function aligns to the size; what comes from CMA, or from the device's own memory, less.
    if !beyond && reach.crosses_coherent(dma, size) {
        // SAFETY: Allocated above for `dev`, and not used.
        unsafe {
            Memory::from_parts(dev, size, cpu.as_ptr(), dma, options.attrs()).free_anywhere(dev)
        };
        return Err(EIO);
    }
    Ok((cpu, dma))
}
