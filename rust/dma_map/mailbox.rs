// SPDX-License-Identifier: GPL-2.0

//! A mailbox: one request at a time, in memory that CPU and device share, and its response.
//!
//! The memory is two slots of the same size. A slot is made of blocks of 64 bytes: the first one is
//! a head, and the data follows. The driver decides what the words of the head mean that are not
//! the mailbox's, and how the device is told that there is a request (the doorbell) and tells that
//! there is a response.
//!
//! ```text
//!            CPU                                       device
//!   post(): request, then its status     --->     reads the request
//!   doorbell (the driver's)
//!   take(): status, number, the rest     <---     writes the response, number, status
//! ```
//!
//! What is in the response slot was written by a device: the head is read once and checked against
//! the request before anything else is done with it. A device that may be late, so that its answer
//! comes after the next request was posted, must write the data first, then the words and the
//! length, then the number, then the status; one that is stopped when it takes too long may write
//! in any order.
//!
//! `tools/testing/dma_map/model/mailbox.pml` is the protocol as a model.

use crate::{
    barrier,
    coherent::DmaCoherent,
    engine::Engine,
    mmap::Mmap,
    state::Shared,
    untrusted::Untrusted,
    view::CoherentView, //
};
use kernel::{
    io::{
        io_project,
        io_write,
        Io, //
    },
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

/// The slot holds no message.
const EMPTY: u32 = 0;

/// The slot holds a message.
const POSTED: u32 = 1;

/// The first block of a slot.
#[repr(C, align(64))]
#[derive(Clone, Copy, FromBytes, IntoBytes)]
struct Head {
    /// [`EMPTY`] or [`POSTED`], the field that gives a slot away.
    status: u32,
    sequence: u32,
    /// The number of bytes of data.
    length: u32,
    _reserved: u32,
    words: [u32; WORDS],
}

static_assert!(core::mem::size_of::<Head>() == BLOCK);

/// Returns the number of bytes in a slot that a message with `length` bytes of data takes.
#[inline]
pub const fn size_of(length: usize) -> usize {
    length.saturating_add(BLOCK)
}

/// Memory that a mailbox can be in: shared, of blocks.
pub trait Slots {
    /// Returns a view of the memory, the same one each time.
    fn blocks(&self) -> CoherentView<'_, [Block]>;
}

impl<E: Engine> Slots for DmaCoherent<'_, [Block], Shared<E>> {
    #[inline]
    fn blocks(&self) -> CoherentView<'_, [Block]> {
        self.view()
    }
}

impl<E: Engine> Slots for Mmap<DmaCoherent<'_, [Block], Shared<E>>> {
    #[inline]
    fn blocks(&self) -> CoherentView<'_, [Block]> {
        self.view()
    }
}

impl<M: Slots> Slots for Arc<M> {
    #[inline]
    fn blocks(&self) -> CoherentView<'_, [Block]> {
        M::blocks(self)
    }
}

/// A response, as the device gave it and as it was found to be one.
pub struct Message {
    sequence: u32,
    length: usize,
}

impl Message {
    /// Returns the number of the request that it answers.
    #[inline]
    pub fn sequence(&self) -> u32 {
        self.sequence
    }

    /// Returns the number of bytes of data; not more than a slot has.
    #[inline]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Returns whether there is no data.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

/// Two slots, and whose turn it is.
///
/// # Examples
///
/// ```ignore
/// let memory = DmaCoherent::<[Block]>::zeroed_slice(dma, Mailbox::blocks_for(4032), Gfp::Kernel)?;
/// let mut mailbox = Mailbox::new(memory.share(engine))?;
///
/// mailbox.post(&[opcode], data)?;
/// regs.ring(mailbox.request().dma_address())?;
/// // ... when the device is done:
/// let (message, words) = mailbox.take()?;
/// ```
pub struct Mailbox<M> {
    memory: M,
    /// Blocks of one slot, at least one; there are twice as many.
    blocks: usize,
    /// The number of the last request; never 0.
    sequence: u32,
}

impl Mailbox<()> {
    /// Returns how many blocks a mailbox needs for `bytes` of data in each direction.
    #[inline]
    pub const fn blocks_for(bytes: usize) -> usize {
        bytes.div_ceil(BLOCK).saturating_add(1).saturating_mul(2)
    }
}

impl<M: Slots> Mailbox<M> {
    /// Makes a mailbox of zeroed memory; the first half is for requests.
    ///
    /// # Errors
    ///
    /// `EINVAL`: fewer than two blocks, or an odd number.
    pub fn new(memory: M) -> Result<Self> {
        let blocks = memory.blocks().len();
        if blocks < 2 || blocks % 2 != 0 {
            return Err(EINVAL);
        }

        Ok(Self {
            memory,
            blocks: blocks / 2,
            sequence: 0,
        })
    }

    /// Returns the memory.
    #[inline]
    pub fn memory(&self) -> &M {
        &self.memory
    }

    /// Returns how many bytes of data a message can have.
    #[inline]
    pub fn capacity(&self) -> usize {
        // There is at least one block, and they are in memory.
        self.blocks.wrapping_sub(1).wrapping_mul(BLOCK)
    }

    /// Returns the block with this number, counted over both slots.
    #[inline]
    fn block(&self, index: usize) -> Result<CoherentView<'_, Block>> {
        let blocks = self.memory.blocks();
        Ok(io_project!(blocks, [try: index]))
    }

    #[inline]
    fn head(&self, index: usize) -> Result<CoherentView<'_, Head>> {
        self.block(index)?.try_cast()
    }

    /// Returns the request slot, from its first byte on: what the device is told of.
    #[inline]
    pub fn request(&self) -> Result<CoherentView<'_, [Block]>> {
        let blocks = self.memory.blocks();
        Ok(io_project!(blocks, [try: ..self.blocks]))
    }

    /// Returns the response slot.
    #[inline]
    pub fn response(&self) -> Result<CoherentView<'_, [Block]>> {
        let blocks = self.memory.blocks();
        Ok(io_project!(blocks, [try: self.blocks..]))
    }

    /// Writes a request, and gives it away when all of it is written. What is in the response slot
    /// is not the answer any more.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EMSGSIZE`: the data does not fit in a slot, or there are more than [`WORDS`] words.
    #[inline]
    pub fn post(&mut self, words: &[u32], data: &[u8]) -> Result {
        if data.len() > self.capacity() || words.len() > WORDS {
            return Err(EMSGSIZE);
        }
        self.sequence = self.sequence.wrapping_add(1).max(1);

        // Block 0 is the head.
        let blocks = self.memory.blocks();
        io_project!(blocks, [try: 1..self.blocks])
            .as_bytes()
            .try_copy_from_slice(data)?;
        let request = self.head(0)?;
        io_write!(request, .status, EMPTY);
        io_write!(request, .sequence, self.sequence);
        io_write!(request, .length, data.len().try_into().map_err(|_| EMSGSIZE)?);
        let slots = io_project!(request, .words);
        for i in 0..WORDS {
            io_write!(slots, [try: i], words.get(i).copied().unwrap_or(0));
        }

        // An answer that does not come must not look like the last one.
        let response = self.head(self.blocks)?;
        io_write!(response, .status, EMPTY);
        io_write!(response, .sequence, 0);
        barrier::publish(|| io_write!(request, .status, POSTED));
        Ok(())
    }

    /// Takes the response: reads its head once, and checks that it is the answer to the last
    /// request. What the driver's words mean is for the driver to check.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// - `EAGAIN`: there is none yet.
    /// - `EBADMSG`: what is there is not the answer, or longer than a slot.
    pub fn take(&self) -> Result<(Message, Untrusted<[u32; WORDS]>)> {
        let response = self.head(self.blocks)?;
        io_project!(response, .status)
            .once()
            .read()
            .validate(|status| match status {
                EMPTY => Err(EAGAIN),
                POSTED => Ok(()),
                _ => Err(EBADMSG),
            })?;

        // A status may be that of a late answer to the request before, and what is behind it that of
        // this one, half written: the number decides, and the rest is read after it.
        barrier::consume(|| io_project!(response, .sequence).once().read())
            .exactly(self.sequence)?;

        barrier::consume(|| response.once().read()).validate(|head| {
            let message = Message {
                sequence: self.sequence,
                length: Untrusted::new(head.length).length(self.capacity())?,
            };
            Ok((message, Untrusted::new(head.words)))
        })
    }

    /// Appends the data of the response to `out`.
    ///
    /// The device may have changed it since [`take`](Self::take); it is data, and not a length.
    ///
    /// Context: as growing `out` by `flags`.
    ///
    /// # Errors
    ///
    /// Nothing is appended then:
    ///
    /// - `ENOMEM`, not if `out` has room for it.
    /// - `ERANGE`: the message is another mailbox's, and longer than a slot of this one.
    #[inline]
    pub fn data(
        &self,
        message: &Message,
        out: &mut VVec<u8>,
        flags: kernel::alloc::Flags,
    ) -> Result {
        let blocks = self.memory.blocks();
        // The head is block `self.blocks`.
        let data = io_project!(blocks, [try: self.blocks.wrapping_add(1)..]).as_bytes();

        io_project!(data, [try: ..message.length]).append_to(out, flags)
    }
}
