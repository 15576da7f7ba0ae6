// SPDX-License-Identifier: GPL-2.0

//! Views of memory that a device may write to at any time.
//!
//! A view is a volatile window and never a reference. It works with the kernel's [`Io`](kernel::io::Io)
//! methods and with `io_read!`, `io_write!` and `io_project!`. A projection to a part has the part's
//! DMA address.

use crate::generic::{
    variance::Invariant,
    vec, //
};
use core::{
    cell::UnsafeCell,
    marker::PhantomData, //
};
use kernel::{
    alloc::{
        Allocator,
        Flags,
        Vec, //
    },
    dma::DmaAddress,
    io::{
        io_project,
        IoBackend,
        IoBase,
        IoCapable,
        IoCopyable,
        SysMem,
        SysMemBackend, //
    },
    prelude::*,
    ptr::KnownSize, //
};
use zerocopy::{
    FromBytes,
    IntoBytes, //
};

/// Returns the size in bytes of what `ptr` points to.
///
/// `KnownSize::size()` checks for an overflow, which the size of existing memory excludes.
///
///
/// # Safety
///
/// `ptr` must be valid and aligned. Others may write to the memory meanwhile.
#[inline]
pub(crate) unsafe fn size_of<T: ?Sized>(ptr: *const T) -> usize {
    // SAFETY: `ptr` is valid and aligned (function precondition). A reference to an `UnsafeCell`
    // permits other writers, and only its metadata are used.
    size_of_val(unsafe { &*(ptr as *const UnsafeCell<T>) })
}

/// A window into shared coherent memory.
///
/// Reads and writes are volatile, so a race with the device is defined. A primitive value is what was
/// in memory at one moment. A copy of a larger value ([`Io::copy_read`](kernel::io::Io)) may be torn.
///
/// # Invariants
///
/// During `'a`:
///
/// - `cpu` is aligned and valid for volatile access, and there is no reference to the memory.
/// - The device reaches the same memory, in one piece, at `dma`.
pub struct CoherentView<'a, T: ?Sized> {
    cpu: SysMem<'a, T>,
    dma: DmaAddress,
    _handle: Invariant<'a>,
}

impl<T: ?Sized> Copy for CoherentView<'_, T> {}
impl<T: ?Sized> Clone for CoherentView<'_, T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<'a, T: ?Sized> CoherentView<'a, T> {
    /// Creates a view of `ptr`.
    ///
    /// # Safety
    ///
    /// - `ptr` must be valid and aligned for volatile access during `'a`, and no reference to the
    ///   memory may exist meanwhile.
    /// - The device must reach the same memory, in one piece, at `dma`.
    #[inline]
    pub(crate) unsafe fn new(ptr: *mut T, dma: DmaAddress) -> Self {
        // INVARIANT: By the preconditions of this function.
        Self {
            // SAFETY: `ptr` is valid and aligned for volatile access during `'a`, without references
            // (function precondition).
            cpu: unsafe { SysMem::new(ptr) },
            dma,
            _handle: PhantomData,
        }
    }

    /// Returns the address at which the device reaches the first byte of the view.
    ///
    /// Context: any.
    #[inline]
    pub fn dma_address(self) -> DmaAddress {
        self.dma
    }

    /// Returns the size of the memory in bytes.
    ///
    /// Context: any.
    #[inline]
    pub fn size(self) -> usize
    where
        T: KnownSize,
    {
        // SAFETY: By the type invariants the memory is valid and aligned during `'a`.
        unsafe { size_of(SysMemBackend::as_ptr(self.cpu)) }
    }
}

impl<'a, T: FromBytes + IntoBytes> CoherentView<'a, [T]> {
    /// Returns the same memory as bytes.
    ///
    /// Context: any.
    #[inline]
    pub fn as_bytes(self) -> CoherentView<'a, [u8]> {
        let ptr = CoherentBackend::as_ptr(self);
        // The memory exists, so its size does not wrap.
        let size = ptr.len().wrapping_mul(core::mem::size_of::<T>());
        let bytes = core::ptr::slice_from_raw_parts_mut(ptr.cast::<u8>(), size);

        // SAFETY: This is the same memory at the same DMA address. Elements have no padding, so they
        // are bytes, and any bytes are elements.
        unsafe { CoherentView::new(bytes, self.dma) }
    }
}

impl CoherentView<'_, [u8]> {
    /// Copies `data` to the first bytes of the view: `copy_from_slice()` of the I/O methods, with an
    /// error instead of its panic.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `ERANGE` if `data` is longer than the view; nothing is written then.
    #[inline]
    pub fn try_copy_from_slice(self, data: &[u8]) -> Result {
        let part = io_project!(self, [try: ..data.len()]);

        // SAFETY: `data` is valid for reads of its length, which is that of the part.
        unsafe { CoherentBackend::copy_to_io(part, data.as_ptr()) };
        Ok(())
    }

    /// Copies the whole view to the first bytes of `out`.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `ERANGE` if the view is longer than `out`; nothing is written then.
    #[inline]
    pub fn try_copy_to_slice(self, out: &mut [u8]) -> Result {
        let len = CoherentBackend::as_ptr(self).len();
        let out = out.get_mut(..len).ok_or(ERANGE)?;

        // SAFETY: `out` is valid for writes of its length, which is that of the view.
        unsafe { CoherentBackend::copy_from_io(self, out.as_mut_ptr()) };
        Ok(())
    }

    /// Appends a copy of the whole view to `out`.
    ///
    /// Context: that of an allocation with `flags`.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if `out` cannot grow; nothing is appended then. There is no error if `out` has room.
    #[inline]
    pub fn append_to<A: Allocator>(self, out: &mut Vec<u8, A>, flags: Flags) -> Result {
        let len = CoherentBackend::as_ptr(self).len();
        vec::reserve(out, len, flags)?;

        // SAFETY: There is room for `len` bytes behind the elements, and the copy initialises them.
        unsafe {
            let end = out.as_mut_ptr().add(out.len());
            CoherentBackend::copy_from_io(self, end);
            vec::set_len(out, out.len().wrapping_add(len));
        }
        Ok(())
    }
}

/// The I/O backend of [`CoherentView`].
pub struct CoherentBackend;

impl IoBackend for CoherentBackend {
    type View<'a, T: ?Sized + KnownSize> = CoherentView<'a, T>;

    #[inline]
    fn as_ptr<'a, T: ?Sized + KnownSize>(view: Self::View<'a, T>) -> *mut T {
        SysMemBackend::as_ptr(view.cpu)
    }

    #[inline]
    unsafe fn project_view<'a, T: ?Sized + KnownSize, U: ?Sized + KnownSize>(
        view: Self::View<'a, T>,
        ptr: *mut U,
    ) -> Self::View<'a, U> {
        let offset = ptr.addr().wrapping_sub(Self::as_ptr(view).addr());

        // INVARIANT: `ptr` is a part of the view (function precondition). Coherent memory is contiguous
        // for the device, so the part has the same offset there.
        CoherentView {
            // SAFETY: `ptr` is a projection of the view's pointer (function precondition).
            cpu: unsafe { SysMemBackend::project_view(view.cpu, ptr) },
            // CAST: The offset is within one allocation, whose DMA addresses do not wrap.
            dma: view.dma.wrapping_add(offset as DmaAddress),
            _handle: PhantomData,
        }
    }
}

impl<T> IoCapable<T> for CoherentBackend
where
    SysMemBackend: IoCapable<T>,
{
    #[inline]
    fn io_read<'a>(view: Self::View<'a, T>) -> T {
        SysMemBackend::io_read(view.cpu)
    }

    #[inline]
    fn io_write<'a>(view: Self::View<'a, T>, value: T) {
        SysMemBackend::io_write(view.cpu, value)
    }
}

impl IoCopyable for CoherentBackend {
    #[inline]
    unsafe fn copy_from_io(view: Self::View<'_, [u8]>, buffer: *mut u8) {
        // SAFETY: `buffer` is valid for writes of the length of the view (function precondition).
        unsafe { SysMemBackend::copy_from_io(view.cpu, buffer) }
    }

    #[inline]
    unsafe fn copy_to_io(view: Self::View<'_, [u8]>, buffer: *const u8) {
        // SAFETY: `buffer` is valid for reads of the length of the view (function precondition).
        unsafe { SysMemBackend::copy_to_io(view.cpu, buffer) }
    }

    #[inline]
    fn copy_read<T: FromBytes>(view: Self::View<'_, T>) -> T {
        SysMemBackend::copy_read(view.cpu)
    }

    #[inline]
    fn copy_write<T: IntoBytes>(view: Self::View<'_, T>, value: T) {
        SysMemBackend::copy_write(view.cpu, value)
    }
}

impl<'a, T: ?Sized + KnownSize> IoBase<'a> for CoherentView<'a, T> {
    type Backend = CoherentBackend;
    type Target = T;

    #[inline]
    fn as_view(self) -> CoherentView<'a, Self::Target> {
        self
    }
}
