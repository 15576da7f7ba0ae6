// SPDX-License-Identifier: GPL-2.0

//! Pieces of shared memory that has a type: all of it, a field or an element.

use crate::{
    direction::Bidirectional,
    seg::piece::Piece,
    view::{
        CoherentBackend,
        CoherentView, //
    },
};
use core::marker::PhantomData;
use kernel::{
    dma::DmaAddress,
    io::{
        IoBackend,
        IoBase, //
    },
    prelude::*,
    ptr::KnownSize, //
};

/// A piece of shared memory that holds a `T`. A device has it during `'a`, by a handle whose engine has
/// the mark `E`.
///
/// A [`Transfer`](crate::Transfer) of coherent memory hands it out. Like a view, it works with
/// [`io_project!`](kernel::io::io_project), which resolves fields by name and checks the index of an
/// element. The result has the same lifetime and mark. [`piece`](SharedPiece::piece) converts it for a
/// function that programs the device.
///
/// # Invariants
///
/// `view` is a view of memory whose handle is in a state of the device during `'a`, and carries an
/// engine with the mark `E`.
///
/// # Examples
///
/// A table that points the device to the data:
///
/// ```ignore,run
/// # #[repr(C)]
/// # #[derive(FromBytes, IntoBytes)]
/// # struct Entry { address: u64, len: u64 }
/// # struct Regs;
/// # impl Regs {
/// #     fn walk<E>(&self, table: Piece<'_, Bidirectional, E>) -> Result {
/// #         check(table.len() != 0 && table.len() % size_of::<Entry>() == 0)
/// #     }
/// # }
/// # fn example<E: Engine + Copy>(
/// #     dma: DmaDevice<'_>,
/// #     data: VVec<u8>,
/// #     engine: E,
/// #     regs: &Regs,
/// # ) -> Result {
/// let table = DmaCoherent::<[Entry]>::zeroed_slice(dma, 64, Gfp::Kernel)?.give(engine);
/// let data = SgMapping::map(dma, data, ToDevice, engine, Gfp::Kernel)?;
///
/// let transfer = Transfer::start((table, data), |(table, data)| {
///     let mut used = 0;
///     for piece in data {
///         io_write!(table.view(), [try: used].address, piece.address());
///         io_write!(table.view(), [try: used].len, piece.len() as u64);
///         used += 1;
///     }
///     regs.walk(io_project!(table, [try: ..used]).piece()?)
/// })?;
/// # let (table, data) = transfer.complete()?;
/// # let data = data.unmap();
/// # check(table.iter().map(|entry| entry.len).sum::<u64>() == data.len() as u64)
/// # }
/// # pub fn run(dma: DmaDevice<'_>, engine: Device, _regs: &pci::Bar<'_>) -> Result {
/// #     example(dma, VVec::from_elem(0u8, 10_000, GFP_KERNEL)?, engine, &Regs)
/// # }
/// ```
pub struct SharedPiece<'a, T: ?Sized, E> {
    view: CoherentView<'a, T>,
    _engine: PhantomData<fn() -> E>,
}

impl<T: ?Sized, E> Copy for SharedPiece<'_, T, E> {}
impl<T: ?Sized, E> Clone for SharedPiece<'_, T, E> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<'a, T: KnownSize + ?Sized, E> SharedPiece<'a, T, E> {
    /// Makes a piece of a view.
    ///
    /// # Safety
    ///
    /// The memory's handle must be in a state of the device during `'a`, and carry an engine with the mark
    /// `E`.
    #[inline]
    pub(super) unsafe fn new(view: CoherentView<'a, T>) -> Self {
        // INVARIANT: The caller guarantees the state and the mark.
        Self {
            view,
            _engine: PhantomData,
        }
    }

    /// Returns a view of the memory, for volatile access.
    ///
    /// Context: any.
    #[inline]
    pub fn view(self) -> CoherentView<'a, T> {
        self.view
    }

    /// Returns the address at which the device reaches the first byte.
    ///
    /// Context: any.
    #[inline]
    pub fn address(self) -> DmaAddress {
        self.view.dma_address()
    }

    /// Returns the number of bytes.
    ///
    /// Context: any.
    #[inline]
    pub fn size(self) -> usize {
        self.view.size()
    }

    /// Returns the piece, to program the device with.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL`: the part is empty.
    #[inline]
    pub fn piece(self) -> Result<Piece<'a, Bidirectional, E>> {
        let size = self.size();
        if size == 0 {
            return Err(EINVAL);
        }

        // SAFETY: The device reaches all of a view, and this one is not empty. By the type invariants
        // its handle is in a state of the device and carries an engine with the mark. Shared memory is
        // mapped in both directions.
        Ok(unsafe { Piece::new(self.address(), size) })
    }
}

/// The I/O backend of [`SharedPiece`]: projections without accesses.
pub struct SharedPieceBackend<E>(PhantomData<fn() -> E>);

impl<E> IoBackend for SharedPieceBackend<E> {
    type View<'a, T: ?Sized + KnownSize> = SharedPiece<'a, T, E>;

    #[inline]
    fn as_ptr<'a, T: ?Sized + KnownSize>(piece: Self::View<'a, T>) -> *mut T {
        CoherentBackend::as_ptr(piece.view)
    }

    #[inline]
    unsafe fn project_view<'a, T: ?Sized + KnownSize, U: ?Sized + KnownSize>(
        piece: Self::View<'a, T>,
        ptr: *mut U,
    ) -> Self::View<'a, U> {
        // INVARIANT: A part of the memory has the same handle as the whole.
        SharedPiece {
            // SAFETY: The caller guarantees that `ptr` is a projection of the piece's memory.
            view: unsafe { CoherentBackend::project_view(piece.view, ptr) },
            _engine: PhantomData,
        }
    }
}

impl<'a, T: ?Sized + KnownSize, E> IoBase<'a> for SharedPiece<'a, T, E> {
    type Backend = SharedPieceBackend<E>;
    type Target = T;

    #[inline]
    fn as_view(self) -> SharedPiece<'a, T, E> {
        self
    }
}
