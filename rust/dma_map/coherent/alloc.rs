// SPDX-License-Identifier: GPL-2.0

//! The constructors of [`DmaCoherent`].

use super::DmaCoherent;
use crate::{
    device::DmaDevice,
    ffi,
    gfp::Gfp,
    state::Cpu, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    dma::DmaAddress,
    page::PAGE_SIZE,
    prelude::*,
    sizes::SZ_128K, //
};
use pin_init::Init;
use zerocopy::{
    FromBytes,
    IntoBytes, //
};

/// How large a region the caller is prepared for.
trait Size {
    /// The first size that is refused, in bytes.
    const LIMIT: usize;

    /// Flags beside those of the caller.
    const FLAGS: bindings::gfp_t;
}

/// Regions that every kernel can serve: below 128 KiB.
struct Plain;

/// Regions whose size depends on the kernel's configuration (CMA, an IOMMU).
struct Large;

impl Size for Plain {
    const LIMIT: usize = SZ_128K;
    const FLAGS: bindings::gfp_t = 0;
}

impl Size for Large {
    // An allocation's size in bytes fits `isize`, as for every Rust type.
    const LIMIT: usize = isize::MAX as usize;
    // Behind an IOMMU the region is made of single pages, for which `GFP_KERNEL` would kill
    // processes before it fails: `__GFP_RETRY_MAYFAIL`.
    const FLAGS: bindings::gfp_t = 1 << bindings::___GFP_RETRY_MAYFAIL_BIT;
}

/// Allocates `size` bytes of zeroed coherent memory.
///
/// # Errors
///
/// - `EINVAL`: `size` is 0, or not below the limit of `Z`.
/// - `ENOMEM`.
fn alloc<Z: Size>(
    dev: DmaDevice<'_>,
    size: usize,
    gfp: Gfp,
) -> Result<(NonNull<c_void>, DmaAddress)> {
    if size == 0 || size >= Z::LIMIT {
        return Err(EINVAL);
    }
    // The IOMMU code counts pages in 32 bits, and warns when the array with a pointer to each is
    // larger than `INT_MAX`.
    let pages = size.div_ceil(PAGE_SIZE);
    if pages > ffi::total_pages() || pages > i32::MAX as usize / size_of::<usize>() {
        return Err(ENOMEM);
    }

    let mut dma: DmaAddress = 0;
    // SAFETY: `dev` is bound, by the type invariants of `DmaDevice`.
    let cpu = unsafe {
        bindings::dma_alloc_attrs(
            dev.as_raw(),
            size,
            &mut dma,
            gfp.as_raw() | Z::FLAGS | bindings::__GFP_ZERO,
            0,
        )
    };

    Ok((NonNull::new(cpu).ok_or(ENOMEM)?, dma))
}

/// What must hold for every element type.
const fn assert_element<T>() {
    assert!(
        size_of::<T>() > 0,
        "coherent memory for a type without size"
    );
    // The DMA API aligns to pages; larger alignments would be a promise that nobody keeps.
    assert!(align_of::<T>() <= PAGE_SIZE, "alignment beyond a page");
}

impl<'bound, T: FromBytes + IntoBytes> DmaCoherent<'bound, T, Cpu> {
    /// Allocates a `T` of zeroes.
    ///
    /// A `T` of 128 KiB and more is a build error; see [`zeroed_large`](Self::zeroed_large).
    ///
    /// C API: `dma_alloc_coherent()`. Context: may sleep with [`Gfp::Kernel`], any otherwise.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    #[inline]
    pub fn zeroed(dev: DmaDevice<'bound>, gfp: Gfp) -> Result<Self> {
        const {
            assert!(
                size_of::<T>() < Plain::LIMIT,
                "128 KiB of coherent memory and more: use `zeroed_large`"
            )
        };

        Self::alloc_value::<Plain>(dev, gfp)
    }

    /// Allocates a `T` of zeroes, of any size.
    ///
    /// Whether 128 KiB and more can be had depends on the kernel: on its largest page order, on
    /// CMA, on an IOMMU that joins pages. Expect `ENOMEM`, and do with less.
    ///
    /// C API, context, errors: as [`zeroed`](Self::zeroed).
    #[inline]
    pub fn zeroed_large(dev: DmaDevice<'bound>, gfp: Gfp) -> Result<Self> {
        Self::alloc_value::<Large>(dev, gfp)
    }

    /// Allocates a `T` and moves `value` in.
    ///
    /// C API, context, errors: as [`zeroed`](Self::zeroed).
    #[inline]
    pub fn new(dev: DmaDevice<'bound>, value: T, gfp: Gfp) -> Result<Self> {
        let mut this = Self::zeroed(dev, gfp)?;
        *this = value;
        Ok(this)
    }

    /// Allocates a `T` and initialises it in place.
    ///
    /// C API, context: as [`zeroed`](Self::zeroed).
    ///
    /// # Errors
    ///
    /// `ENOMEM`, and what `init` returns; the memory is freed then.
    pub fn init<E>(dev: DmaDevice<'bound>, init: impl Init<T, E>, gfp: Gfp) -> Result<Self>
    where
        Error: From<E>,
    {
        let this = Self::zeroed(dev, gfp)?;

        // SAFETY: The memory is valid, aligned and exclusively ours. If `init` fails half way, any
        // bit pattern is a valid `T`, and a `T` has no destructor that matters.
        unsafe { pin_init::raw_try_init(this.cpu.as_ptr(), init)? };

        Ok(this)
    }

    fn alloc_value<Z: Size>(dev: DmaDevice<'bound>, gfp: Gfp) -> Result<Self> {
        const { assert_element::<T>() };
        let (cpu, dma) = alloc::<Z>(dev, size_of::<T>(), gfp)?;

        // INVARIANT: Allocated above with the size of `T`. Zeroes are a valid `T: FromBytes`. No
        // device knows the address.
        Ok(Self {
            dev,
            cpu: cpu.cast(),
            dma,
            state: Cpu::new(),
        })
    }
}

impl<'bound, T: FromBytes + IntoBytes> DmaCoherent<'bound, [T], Cpu> {
    /// Allocates `len` elements of zeroes.
    ///
    /// C API, context: as [`zeroed`](DmaCoherent::zeroed).
    ///
    /// # Errors
    ///
    /// - `EINVAL`: `len` is 0, or the size is 128 KiB or more, or it overflows.
    /// - `ENOMEM`.
    #[inline]
    pub fn zeroed_slice(dev: DmaDevice<'bound>, len: usize, gfp: Gfp) -> Result<Self> {
        Self::alloc_slice::<Plain>(dev, len, gfp)
    }

    /// Allocates `len` elements of zeroes, of any size.
    ///
    /// See [`zeroed_large`](DmaCoherent::zeroed_large) for what that depends on.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: `len` is 0, or the size overflows.
    /// - `ENOMEM`.
    #[inline]
    pub fn zeroed_slice_large(dev: DmaDevice<'bound>, len: usize, gfp: Gfp) -> Result<Self> {
        Self::alloc_slice::<Large>(dev, len, gfp)
    }

    /// Allocates a copy of `data`.
    ///
    /// C API, context, errors: as [`zeroed_slice`](Self::zeroed_slice).
    #[inline]
    pub fn from_slice(dev: DmaDevice<'bound>, data: &[T], gfp: Gfp) -> Result<Self>
    where
        T: Copy,
    {
        let mut this = Self::zeroed_slice(dev, data.len(), gfp)?;
        for (to, from) in this.iter_mut().zip(data) {
            *to = *from;
        }
        Ok(this)
    }

    fn alloc_slice<Z: Size>(dev: DmaDevice<'bound>, len: usize, gfp: Gfp) -> Result<Self> {
        const { assert_element::<T>() };
        let size = len.checked_mul(size_of::<T>()).ok_or(EINVAL)?;
        let (cpu, dma) = alloc::<Z>(dev, size, gfp)?;

        // INVARIANT: Allocated above with the size of `len` elements. Zeroes are valid elements.
        // No device knows the address.
        Ok(Self {
            dev,
            cpu: NonNull::slice_from_raw_parts(cpu.cast(), len),
            dma,
            state: Cpu::new(),
        })
    }
}
