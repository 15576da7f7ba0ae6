// SPDX-License-Identifier: GPL-2.0

//! Commands: the entries of a submission queue.

use dma_map::endian::Le;
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// An entry of a submission queue.
#[derive(Clone, Copy, Default, FromBytes, IntoBytes)]
#[repr(C)]
pub(crate) struct Command {
    /// The opcode, how the data is described, and the identifier.
    pub(crate) head: Le<u32>,
    pub(crate) namespace: Le<u32>,
    pub(crate) words_2_3: [Le<u32>; 2],
    pub(crate) metadata: Le<u64>,
    /// Two PRP entries, or one SGL descriptor.
    pub(crate) data: [Le<u64>; 2],
    /// Command words 10 to 15.
    pub(crate) words: [Le<u32>; 6],
}

static_assert!(size_of::<Command>() == 64);

/// The opcodes of the admin commands that the driver uses or lets through.
pub(crate) mod admin {
    pub(crate) const CREATE_SUBMISSION_QUEUE: u8 = 0x01;
    pub(crate) const GET_LOG_PAGE: u8 = 0x02;
    pub(crate) const CREATE_COMPLETION_QUEUE: u8 = 0x05;
    pub(crate) const IDENTIFY: u8 = 0x06;
    pub(crate) const ABORT: u8 = 0x08;
    pub(crate) const SET_FEATURES: u8 = 0x09;
    pub(crate) const GET_FEATURES: u8 = 0x0a;
    pub(crate) const FORMAT_NVM: u8 = 0x80;
}

/// The opcodes of the NVM command set that the driver uses or lets through.
pub(crate) mod nvm {
    pub(crate) const FLUSH: u8 = 0x00;
    pub(crate) const WRITE: u8 = 0x01;
    pub(crate) const READ: u8 = 0x02;
    pub(crate) const WRITE_ZEROES: u8 = 0x08;
    pub(crate) const DATASET_MANAGEMENT: u8 = 0x09;
}

/// Word 12 of a write: the data is on the medium when the command is done.
pub(crate) const FORCE_UNIT_ACCESS: u32 = 1 << 30;

/// Word 12 of Write Zeroes: the blocks may be deallocated.
pub(crate) const DEALLOCATE: u32 = 1 << 25;

/// Word 11 of Dataset Management: the ranges are not needed any more.
pub(crate) const RANGES_DEALLOCATE: u32 = 1 << 2;

/// The feature that says how many I/O queues there are.
pub(crate) const FEATURE_QUEUES: u32 = 0x07;

/// Returns a DMA address as the 64 bits that the controller takes.
#[allow(
    clippy::unnecessary_cast,
    reason = "an address has 32 bits on some machines"
)]
pub(crate) fn widen(address: DmaAddress) -> u64 {
    // CAST: At most 64 bits.
    address as u64
}

/// How a command describes its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pointer {
    /// PRP entries.
    Prp([u64; 2]),
    /// The halves of an SGL descriptor.
    Sgl([u64; 2]),
}

impl Command {
    /// Returns a command with this opcode, for this namespace.
    #[inline]
    pub(crate) fn new(opcode: u8, namespace: u32) -> Self {
        Self {
            head: u32::from(opcode).into(),
            namespace: namespace.into(),
            ..Self::default()
        }
    }

    /// Sets command words 10 to 15, from word 10 on.
    #[inline]
    pub(crate) fn with_words<const N: usize>(mut self, words: [u32; N]) -> Self {
        for (to, from) in self.words.iter_mut().zip(words) {
            *to = from.into();
        }
        self
    }

    /// Sets the blocks that the command is about: `count` of them, at least 1, from `first` on, and `flags` in
    /// word 12.
    #[inline]
    pub(crate) fn with_blocks(self, first: u64, count: u32, flags: u32) -> Self {
        // CAST: The halves.
        let (low, high) = (first as u32, (first >> 32) as u32);
        self.with_words([low, high, count.wrapping_sub(1) & 0xffff | flags])
    }

    /// Sets where the data is.
    #[inline]
    pub(crate) fn with_data(mut self, pointer: Pointer) -> Self {
        /// An SGL describes the data, and metadata is contiguous.
        const SGL: u32 = 1 << 14;
        /// The bits that say how the data is described.
        const DESCRIPTION: u32 = 3 << 14;

        let (kind, entries) = match pointer {
            Pointer::Prp(entries) => (0, entries),
            Pointer::Sgl(entries) => (SGL, entries),
        };
        self.head = (self.head.get() & !DESCRIPTION | kind).into();
        self.data = entries.map(Le::<u64>::new);
        self
    }

    /// Sets the identifier, by which the completion names the command.
    #[inline]
    pub(crate) fn with_id(mut self, id: u16) -> Self {
        self.head = (self.head.get() & 0xffff | u32::from(id) << 16).into();
        self
    }
}

/// Returns whether an opcode, of an admin or an I/O command, lets the controller write to memory, and
/// whether it lets it read: the low two bits say so in both sets.
pub(crate) fn data_of(opcode: u8) -> (bool, bool) {
    (opcode & 2 != 0, opcode & 1 != 0)
}
