// SPDX-License-Identifier: GPL-2.0

//! Constructors of [`DmaCoherent`].

use super::{
    memory::{
        alloc,
        LARGE,
        PLAIN, //
    },
    Coherent,
    CoherentOptions,
    DmaCoherent, //
};
use crate::{
    device::DmaDevice,
    direction::assert_no_destructor,
    state::Cpu, //
};
use core::ptr::NonNull;
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};
use pin_init::Init;
use zerocopy::{
    FromBytes,
    IntoBytes, //
};

/// Checks an element type at compile time.
const fn assert_element<T>() {
    assert!(
        size_of::<T>() > 0,
        "coherent memory for a type without size"
    );
    // The DMA API aligns to pages at most.
    assert!(align_of::<T>() <= PAGE_SIZE, "alignment beyond a page");
    assert_no_destructor::<T>();
}

impl<'bound, T: FromBytes + IntoBytes> DmaCoherent<'bound, T, Cpu> {
    /// Allocates a `T` of zeroes.
    ///
    /// A `T` of 128 KiB or more, or one that needs dropping, is a build error; for the former see
    /// [`zeroed_large`](Self::zeroed_large).
    ///
    /// C API: `dma_alloc_attrs()`. Context: may sleep with [`Gfp::Kernel`](crate::Gfp::Kernel), any
    /// otherwise.
    ///
    /// # Errors
    ///
    /// If the driver has stated segment limits, and the options do not say
    /// [`beyond_segment_limits`](CoherentOptions::beyond_segment_limits):
    ///
    /// - `EINVAL`: the size is beyond `max_segment_size` or `segment_boundary`.
    /// - `EIO`: the allocated memory crosses a boundary.
    ///
    /// Always:
    ///
    /// - `EIO`: the size is more than the IOMMU has addresses for.
    /// - `ENOMEM`.
    #[inline]
    pub fn zeroed(dev: DmaDevice<'bound>, options: impl Into<CoherentOptions>) -> Result<Self> {
        const {
            assert!(
                size_of::<T>() < PLAIN,
                "128 KiB of coherent memory and more: use `zeroed_large`"
            )
        };

        Self::alloc_value::<PLAIN>(dev, options.into())
    }

    /// Allocates a `T` of zeroes, of any size.
    ///
    /// Success for 128 KiB or more depends on the kernel: on its largest page order, on CMA, and on an
    /// IOMMU that joins pages. A driver must expect `ENOMEM`, and work with less.
    ///
    /// C API, context, errors: as [`zeroed`](Self::zeroed).
    #[inline]
    pub fn zeroed_large(
        dev: DmaDevice<'bound>,
        options: impl Into<CoherentOptions>,
    ) -> Result<Self> {
        Self::alloc_value::<LARGE>(dev, options.into())
    }

    /// Allocates a `T` and moves `value` in.
    ///
    /// C API, context, errors: as [`zeroed`](Self::zeroed).
    #[inline]
    pub fn new(
        dev: DmaDevice<'bound>,
        value: T,
        options: impl Into<CoherentOptions>,
    ) -> Result<Self> {
        let mut this = Self::zeroed(dev, options)?;
        *this = value;
        Ok(this)
    }

    /// Allocates a `T` and initialises it in place.
    ///
    /// C API, context: as [`zeroed`](Self::zeroed).
    ///
    /// # Errors
    ///
    /// Those of [`zeroed`](Self::zeroed), and what `init` returns. The memory is freed then.
    pub fn init<E>(
        dev: DmaDevice<'bound>,
        init: impl Init<T, E>,
        options: impl Into<CoherentOptions>,
    ) -> Result<Self>
    where
        Error: From<E>,
    {
        let this = Self::zeroed(dev, options)?;

        // SAFETY: The memory is valid, aligned and exclusively ours. If `init` fails half way, any bit
        // pattern is a valid `T`, and a `T` has no destructor.
        unsafe { pin_init::raw_try_init(this.backing.cpu.as_ptr(), init)? };

        Ok(this)
    }

    #[inline]
    fn alloc_value<const LIMIT: usize>(
        dev: DmaDevice<'bound>,
        options: CoherentOptions,
    ) -> Result<Self> {
        const { assert_element::<T>() };
        let (cpu, dma) = alloc::<LIMIT>(dev, size_of::<T>(), options)?;

        // INVARIANT: Allocated above for `dev`, with the size of `T`. Any bytes are a valid `T`.
        let backing = Coherent {
            dev,
            cpu: cpu.cast(),
            dma,
            attrs: options.attrs(),
        };
        // SAFETY: Coherent memory needs no sync, and no device knows the address.
        Ok(unsafe { Self::in_cpu(backing) }.counted())
    }
}

impl<'bound, T: FromBytes + IntoBytes> DmaCoherent<'bound, [T], Cpu> {
    /// Allocates `len` elements of zeroes.
    ///
    /// C API, context: as [`zeroed`](DmaCoherent::zeroed).
    ///
    /// # Errors
    ///
    /// - `EINVAL`: `len` is 0, or the size is 128 KiB or more, or the size overflows.
    /// - Those of [`zeroed`](DmaCoherent::zeroed).
    #[inline]
    pub fn zeroed_slice(
        dev: DmaDevice<'bound>,
        len: usize,
        options: impl Into<CoherentOptions>,
    ) -> Result<Self> {
        Self::alloc_slice::<PLAIN>(dev, len, options.into())
    }

    /// Allocates `len` elements of zeroes, of any size.
    ///
    /// See [`zeroed_large`](DmaCoherent::zeroed_large) for what success depends on.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: `len` is 0, or the size overflows.
    /// - Those of [`zeroed`](DmaCoherent::zeroed).
    #[inline]
    pub fn zeroed_slice_large(
        dev: DmaDevice<'bound>,
        len: usize,
        options: impl Into<CoherentOptions>,
    ) -> Result<Self> {
        Self::alloc_slice::<LARGE>(dev, len, options.into())
    }

    /// Allocates a copy of `data`.
    ///
    /// C API, context, errors: as [`zeroed_slice`](Self::zeroed_slice).
    #[inline]
    pub fn from_slice(
        dev: DmaDevice<'bound>,
        data: &[T],
        options: impl Into<CoherentOptions>,
    ) -> Result<Self>
    where
        T: Copy,
    {
        let mut this = Self::zeroed_slice(dev, data.len(), options)?;
        for (to, from) in this.iter_mut().zip(data) {
            *to = *from;
        }
        Ok(this)
    }

    #[inline]
    fn alloc_slice<const LIMIT: usize>(
        dev: DmaDevice<'bound>,
        len: usize,
        options: CoherentOptions,
    ) -> Result<Self> {
        const { assert_element::<T>() };
        let size = len.checked_mul(size_of::<T>()).ok_or(EINVAL)?;
        let (cpu, dma) = alloc::<LIMIT>(dev, size, options)?;

        // INVARIANT: Allocated above for `dev`, with the size of `len` elements. Any bytes are valid.
        let backing = Coherent {
            dev,
            cpu: NonNull::slice_from_raw_parts(cpu.cast(), len),
            dma,
            attrs: options.attrs(),
        };
        // SAFETY: Coherent memory needs no sync, and no device knows the address.
        Ok(unsafe { Self::in_cpu(backing) }.counted())
    }
}
