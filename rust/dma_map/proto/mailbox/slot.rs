// SPDX-License-Identifier: GPL-2.0

//! Slots of a mailbox: their layout, and their place in shared memory.

use crate::{
    coherent::DmaCoherent,
    direction::Direction,
    endian::Le,
    engine::Engine,
    handle::Dma,
    mmap::{
        Mappable,
        Mmap, //
    },
    state::Shared,
    transfer::Piece,
    view::{
        CoherentBackend,
        CoherentView, //
    },
};
use core::ptr::slice_from_raw_parts_mut;
use kernel::{
    dma::DmaAddress,
    io::IoBackend,
    prelude::*,
    sync::Arc, //
};

/// The size of a block in bytes: at least a cache line of most machines.
pub const BLOCK: usize = 64;

/// A block of a slot.
#[repr(C, align(64))]
#[derive(Clone, Copy, FromBytes, IntoBytes)]
pub struct Block([u32; BLOCK / 4]);

/// The number of words of a head that the driver defines.
pub const WORDS: usize = 12;

/// The first block of a slot, in the device's layout.
#[repr(C, align(64))]
#[derive(Clone, Copy, FromBytes, IntoBytes)]
pub(super) struct Head {
    /// Written last: it gives the slot to the other side.
    pub(super) status: Le<u32>,
    pub(super) sequence: Le<u32>,
    /// The number of bytes of data.
    pub(super) length: Le<u32>,
    _reserved: Le<u32>,
    pub(super) words: [Le<u32>; WORDS],
}

static_assert!(core::mem::size_of::<Head>() == BLOCK);
static_assert!(core::mem::align_of::<Head>() == core::mem::align_of::<Block>());

/// Memory for a mailbox: shared blocks.
///
/// # Safety
///
/// All views that a value returns must be of the same memory. Until the value is dropped, wherever it is
/// moved, that memory must exist, be shared with the device at the same address, and have no reference
/// to it. The handle of the memory must carry the engine that [`engine`](Slots::engine) returns, or one
/// that refers to it.
pub unsafe trait Slots {
    /// The engine that the memory is shared with.
    type Engine: Engine;

    /// Returns a view of the memory.
    fn blocks(&self) -> CoherentView<'_, [Block]>;

    /// Returns the engine, which tells whether the device is done with the memory.
    fn engine(&self) -> &Self::Engine;
}

// SAFETY: Coherent memory does not move before its handle is dropped. It is shared as long as the handle
// has this type, which gives no reference to the memory.
unsafe impl<E: Engine> Slots for DmaCoherent<'_, [Block], Shared<E>> {
    type Engine = E;

    #[inline]
    fn blocks(&self) -> CoherentView<'_, [Block]> {
        self.view()
    }

    #[inline]
    fn engine(&self) -> &E {
        Dma::engine(self)
    }
}

/// Implements the functions by those of the value that `Self` owns.
macro_rules! by_owner {
    () => {
        type Engine = M::Engine;

        #[inline]
        fn blocks(&self) -> CoherentView<'_, [Block]> {
            M::blocks(self)
        }

        #[inline]
        fn engine(&self) -> &M::Engine {
            M::engine(self)
        }
    };
}

// SAFETY: The memory and the engine are those of the handle, which the `Mmap` owns until it is dropped.
unsafe impl<M: Slots + Mappable> Slots for Mmap<M> {
    by_owner!();
}

// SAFETY: The value in an `Arc` does not move, and is not dropped before the `Arc`.
unsafe impl<M: Slots> Slots for Arc<M> {
    by_owner!();
}

/// The address of a slot, so that a message needs no projection.
///
/// # Invariants
///
/// As long as the memory of the slot exists, and is shared with the device:
///
/// - `head` and the next `capacity` bytes are valid for volatile access, and no reference to them
///   exists.
/// - The device reaches all of it at `dma`.
pub(super) struct Slot {
    head: *mut Head,
    dma: DmaAddress,
    /// The number of bytes of data, in whole blocks.
    capacity: u32,
}

// SAFETY: This is only an address. The caller of each access guarantees that the memory exists.
unsafe impl Send for Slot {}

// SAFETY: This is only an address. The caller of each access guarantees that the memory exists.
unsafe impl Sync for Slot {}

impl Slot {
    /// Makes a slot of all of `blocks`.
    ///
    /// # Errors
    ///
    /// `EINVAL`: there is no block, or the size is 4 GiB or more.
    pub(super) fn new(blocks: CoherentView<'_, [Block]>) -> Result<Self> {
        let ptr = CoherentBackend::as_ptr(blocks);
        let size = u32::try_from(blocks.size()).map_err(|_| EINVAL)?;
        let capacity = size.checked_sub(BLOCK as u32).ok_or(EINVAL)?;

        // INVARIANT: A view's memory is valid for volatile access, and aligned for blocks. The device
        // reaches it at the view's address. The head is the first block.
        Ok(Self {
            head: ptr.cast(),
            dma: blocks.dma_address(),
            capacity,
        })
    }

    #[inline]
    pub(super) fn capacity(&self) -> usize {
        // CAST: The kernel has no `usize` below 32 bits.
        self.capacity as usize
    }

    /// # Safety
    ///
    /// The memory must exist and be shared during `'a`, as the type invariants require.
    #[inline]
    pub(super) unsafe fn blocks<'a>(&self) -> CoherentView<'a, [Block]> {
        let count = self.capacity() / BLOCK + 1;

        // SAFETY: By the type invariants these bytes are valid while the memory is, as the caller says.
        unsafe { CoherentView::new(slice_from_raw_parts_mut(self.head.cast(), count), self.dma) }
    }

    /// Returns a piece of the head and `length` bytes of data.
    ///
    /// # Safety
    ///
    /// The memory must exist and be shared during `'a`, as the type invariants require, with an engine
    /// that has the mark `E`. `length` must not be more than the capacity.
    #[inline]
    pub(super) unsafe fn piece<'a, D: Direction, E>(&self, length: usize) -> Piece<'a, D, E> {
        // SAFETY: By the type invariants the device reaches these bytes. The caller guarantees the
        // memory, the length and the mark. Shared memory is mapped in both directions.
        unsafe { Piece::new(self.dma, super::size_of(length)) }
    }

    /// Returns the head, and the bytes for data.
    ///
    /// # Safety
    ///
    /// The memory must exist and be shared during `'a`, as the type invariants require.
    #[inline]
    pub(super) unsafe fn parts<'a>(&self) -> (CoherentView<'a, Head>, CoherentView<'a, [u8]>) {
        let data = slice_from_raw_parts_mut(self.head.wrapping_add(1).cast(), self.capacity());
        // The device reaches all of the slot, so this can wrap only if the capacity is 0.
        let dma = self.dma.wrapping_add(BLOCK as DmaAddress);

        // SAFETY: By the type invariants all of it is valid while the memory is, as the caller says.
        unsafe {
            (
                CoherentView::new(self.head, self.dma),
                CoherentView::new(data, dma),
            )
        }
    }
}
