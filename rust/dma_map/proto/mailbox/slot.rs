// SPDX-License-Identifier: GPL-2.0

//! Where in shared memory a slot of a mailbox is.

use crate::{
    coherent::DmaCoherent,
    direction::Direction,
    endian::Le,
    engine::Engine,
    handle::Dma,
    mmap::Mmap,
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

/// A part of a slot.
#[repr(C, align(64))]
#[derive(Clone, Copy, FromBytes, IntoBytes)]
pub struct Block([u32; BLOCK / 4]);

/// How many words of a head are the driver's.
pub const WORDS: usize = 12;

/// The first block of a slot, as the device sees it.
#[repr(C, align(64))]
#[derive(Clone, Copy, FromBytes, IntoBytes)]
pub(super) struct Head {
    /// The field that gives a slot away.
    pub(super) status: Le<u32>,
    pub(super) sequence: Le<u32>,
    /// The number of bytes of data.
    pub(super) length: Le<u32>,
    _reserved: Le<u32>,
    pub(super) words: [Le<u32>; WORDS],
}

static_assert!(core::mem::size_of::<Head>() == BLOCK);
static_assert!(core::mem::align_of::<Head>() == core::mem::align_of::<Block>());

/// Memory that a mailbox can be in: shared, of blocks.
///
/// # Safety
///
/// All views that a value returns must be of the same memory. Until the value is dropped, wherever it is
/// moved, that memory must be there, shared with the device at the same address, and no reference to
/// it may exist. The handle of the memory must carry the engine that [`engine`](Slots::engine) returns, or
/// one that leads to it.
pub unsafe trait Slots {
    /// The engine that the memory is shared with.
    type Engine: Engine;

    /// Returns a view of the memory.
    fn blocks(&self) -> CoherentView<'_, [Block]>;

    /// Returns the engine, to be asked whether the device is done with the memory.
    fn engine(&self) -> &Self::Engine;
}

// SAFETY: Coherent memory stays where it is until its handle is dropped, and shared while the type says
// so, for which a handle that is shared has no way to a reference.
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

// SAFETY: As above; the memory is the handle's.
unsafe impl<E: Engine> Slots for Mmap<DmaCoherent<'_, [Block], Shared<E>>> {
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

// SAFETY: What an `Arc` leads to does not change, and is not dropped before it.
unsafe impl<M: Slots> Slots for Arc<M> {
    type Engine = M::Engine;

    #[inline]
    fn blocks(&self) -> CoherentView<'_, [Block]> {
        M::blocks(self)
    }

    #[inline]
    fn engine(&self) -> &M::Engine {
        M::engine(self)
    }
}

/// The place of a slot, so that it need not be looked for with each message.
///
/// # Invariants
///
/// As long as the memory is there that the slot was made of, and shared with the device:
///
/// - `head` is valid for volatile access, and is followed by `capacity` bytes that are, too. There is no
///   reference to them.
/// - The device reaches all of it at `dma`.
pub(super) struct Slot {
    head: *mut Head,
    dma: DmaAddress,
    /// The number of bytes of data; whole blocks.
    capacity: u32,
}

// SAFETY: It says where memory is. Who accesses that promises that it is there.
unsafe impl Send for Slot {}

// SAFETY: As above.
unsafe impl Sync for Slot {}

impl Slot {
    /// Makes all of `blocks` a slot.
    ///
    /// # Errors
    ///
    /// `EINVAL`: there is no block, or there are 4 GiB of them.
    pub(super) fn new(blocks: CoherentView<'_, [Block]>) -> Result<Self> {
        let ptr = CoherentBackend::as_ptr(blocks);
        let size = u32::try_from(blocks.size()).map_err(|_| EINVAL)?;
        let capacity = size.checked_sub(BLOCK as u32).ok_or(EINVAL)?;

        // INVARIANT: A view is of memory that is valid for volatile access, aligned for blocks, and
        // which the device reaches at its address. The head is the first block.
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
    /// The memory must be there during `'a`, as the type invariants say.
    #[inline]
    pub(super) unsafe fn blocks<'a>(&self) -> CoherentView<'a, [Block]> {
        let count = self.capacity() / BLOCK + 1;

        // SAFETY: By the type invariants, and the safety requirements of this function.
        unsafe { CoherentView::new(slice_from_raw_parts_mut(self.head.cast(), count), self.dma) }
    }

    /// Returns the head, and `length` bytes of data.
    ///
    /// # Safety
    ///
    /// The memory must be there during `'a`, as the type invariants say, shared with an engine that has the
    /// mark `E`. `length` must not be more than the capacity.
    #[inline]
    pub(super) unsafe fn piece<'a, D: Direction, E>(&self, length: usize) -> Piece<'a, D, E> {
        // SAFETY: By the type invariants, and the safety requirements of this function. What is shared is
        // mapped in both directions.
        unsafe { Piece::new(self.dma, super::size_of(length)) }
    }

    /// # Safety
    ///
    /// The memory must be there during `'a`, as the type invariants say.
    #[inline]
    pub(super) unsafe fn head<'a>(&self) -> CoherentView<'a, Head> {
        // SAFETY: By the type invariants, and the safety requirements of this function.
        unsafe { CoherentView::new(self.head, self.dma) }
    }

    /// # Safety
    ///
    /// The memory must be there during `'a`, as the type invariants say.
    #[inline]
    pub(super) unsafe fn data<'a>(&self) -> CoherentView<'a, [u8]> {
        let data = self.head.wrapping_add(1).cast();
        // The device reaches what there is of memory, so this does not wrap where there is data.
        let dma = self.dma.wrapping_add(BLOCK as DmaAddress);

        // SAFETY: By the type invariants, and the safety requirements of this function.
        unsafe { CoherentView::new(slice_from_raw_parts_mut(data, self.capacity()), dma) }
    }
}
