// SPDX-License-Identifier: GPL-2.0

//! Mailboxes in shared memory: one request at a time, and its response.
//!
//! The memory is two slots of the same size. A slot consists of blocks of 64 bytes: the first block is a
//! head, and the data follows. The driver defines the words of the head that are not the mailbox's, how
//! it tells the device of a request (the doorbell), and how the device tells of a response.
//!
//! A head is sixteen little-endian words of 32 bits: the status (0 for no message, 1 for a message), the
//! sequence number of the request, the number of bytes of data, a reserved 0, and the driver's [`WORDS`]
//! words. The driver gets its words as numbers. The data is bytes, whose order the driver defines
//! ([`endian`](crate::endian) has types for both).
//!
//! ```text
//!            CPU                                       device
//!   post(): request, then its status     --->     reads the request
//!   doorbell (the driver's)
//!   take(): status, number, the rest     <---     writes the response, number, status
//! ```
//!
//! A device writes the response slot, so [`take`](Mailbox::take) reads the head once and checks it
//! against the request before it does anything else. If the device may be late, so that an answer may
//! arrive after the next request was posted, it must write the data first, then the words and the
//! length, then the sequence number, then the status. A device that is stopped on timeout may write in
//! any order.
//!
//! `tools/testing/dma_map/model/mailbox.pml` is a model of the protocol.

mod exchange;
mod slot;

use super::{
    endian::Le,
    untrusted::Untrusted, //
};
use crate::{
    barrier,
    view::CoherentView, //
};
use core::marker::PhantomData;
use kernel::{
    io::{
        io_project,
        io_write,
        Io, //
    },
    prelude::*, //
};
use slot::{
    Head,
    Slot, //
};

pub use self::{
    exchange::Exchange,
    slot::{
        Block,
        Slots,
        BLOCK,
        WORDS, //
    }, //
};

/// The status of a slot without a message.
const EMPTY: Le<u32> = Le::<u32>::new(0);

/// The status of a slot with a message.
const POSTED: Le<u32> = Le::<u32>::new(1);

/// The number before the first request. It is none of 32 bits, so no response has it.
const UNASKED: u64 = 1 << 32;

/// Returns the number of bytes of a slot that a message with `length` bytes of data occupies.
#[inline]
pub const fn size_of(length: usize) -> usize {
    length.saturating_add(BLOCK)
}

/// A response that [`take`](Mailbox::take) has checked.
pub struct Message {
    sequence: u32,
    length: usize,
}

impl Message {
    /// Returns the number of the request that this answers.
    #[inline]
    pub fn sequence(&self) -> u32 {
        self.sequence
    }

    /// Returns the number of bytes of data, at most the capacity of a slot.
    #[inline]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Returns whether the response has no data.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

/// A mailbox: two slots, and the number of the last request.
///
/// # Examples
///
/// ```ignore
/// # const REQUEST: usize = 0x10;
/// # const RESPONSE: usize = 0x18;
/// # let (opcode, data) = (1, &[0; 16]);
/// # let mut answer = KVec::new();
/// let memory = DmaCoherent::<[Block]>::zeroed_slice(dma, Mailbox::blocks_for(4032), Gfp::Kernel)?;
/// let mut mailbox = Mailbox::new(memory.give(engine))?;
///
/// let exchange = mailbox.post(&[opcode], data)?;
/// let transfer = Transfer::start(exchange, |(request, response)| {
///     regs.try_write64(response.address(), RESPONSE)?;
///     regs.try_write64(request.address(), REQUEST)
/// })?;
/// // ... when the device is done:
/// let mailbox = transfer.complete()?;
/// let (message, words) = mailbox.take()?;
/// mailbox.data(&message)?.append_to(&mut answer, GFP_KERNEL)?;
/// ```
///
/// # Invariants
///
/// `request` and `response` are the two halves of the memory that [`Slots::blocks`] of `memory` returns.
pub struct Mailbox<M> {
    memory: M,
    request: Slot,
    response: Slot,
    /// The number of the last request, which is not 0, or [`UNASKED`].
    sequence: u64,
}

impl Mailbox<()> {
    /// Returns the number of blocks of a mailbox for `bytes` of data in each direction.
    #[inline]
    pub const fn blocks_for(bytes: usize) -> usize {
        bytes.div_ceil(BLOCK).saturating_add(1).saturating_mul(2)
    }
}

impl<M: Slots> Mailbox<M> {
    /// Makes a mailbox of zeroed memory. The first half is the request slot.
    ///
    /// # Errors
    ///
    /// `EINVAL`: fewer than two blocks, or an odd number, or a slot of 4 GiB or more.
    pub fn new(memory: M) -> Result<Self> {
        let blocks = memory.blocks();
        let count = blocks.len();
        if count % 2 != 0 {
            return Err(EINVAL);
        }
        let request = Slot::new(io_project!(blocks, [try: ..count / 2]))?;
        let response = Slot::new(io_project!(blocks, [try: count / 2..]))?;

        // INVARIANT: Both slots are halves of this memory, which does not move (`Slots`).
        Ok(Self {
            memory,
            request,
            response,
            sequence: UNASKED,
        })
    }

    /// Returns the memory of both slots.
    #[inline]
    pub fn memory(&self) -> &M {
        &self.memory
    }

    /// Returns the maximum number of bytes of data in a message.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.request.capacity()
    }

    /// Returns the request slot, for a device that is told its address once.
    #[inline]
    pub fn request(&self) -> CoherentView<'_, [Block]> {
        // SAFETY: By the type invariants the slot is part of `memory`. `Slots` guarantees that it exists
        // and is shared while `memory` is not dropped.
        unsafe { self.request.blocks() }
    }

    /// Returns the response slot.
    #[inline]
    pub fn response(&self) -> CoherentView<'_, [Block]> {
        // SAFETY: By the type invariants the slot is part of `memory`, which is borrowed, so it is shared.
        unsafe { self.response.blocks() }
    }

    /// Returns the head and the data of the response slot.
    #[inline]
    fn response_parts(&self) -> (CoherentView<'_, Head>, CoherentView<'_, [u8]>) {
        // SAFETY: By the type invariants the slot is part of `memory`, which is borrowed, so it is shared.
        unsafe { self.response.parts() }
    }

    /// Writes a request, and then its status, which gives it to the device. The response slot no longer
    /// holds an answer.
    ///
    /// [`Transfer::start`](crate::Transfer::start) takes the result, and tells the device of it.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EMSGSIZE`: the data does not fit in a slot, or there are more than [`WORDS`] words.
    #[inline]
    pub fn post(&mut self, words: &[u32], data: &[u8]) -> Result<Exchange<'_, M>> {
        if data.len() > self.capacity() || words.len() > WORDS {
            return Err(EMSGSIZE);
        }
        // CAST: The number of the last request, or 0 before the first.
        let next = (self.sequence as u32).wrapping_add(1);
        let sequence = next.wrapping_add(u32::from(next == 0));
        self.sequence = sequence.into();

        // SAFETY: As in `request`: the slot is part of `memory`, which is borrowed.
        let (request, room) = unsafe { self.request.parts() };
        room.try_copy_from_slice(data)?;
        io_write!(request, .status, EMPTY);
        io_write!(request, .sequence, sequence.into());
        // CAST: The length is at most the capacity, which is a `u32`.
        io_write!(request, .length, (data.len() as u32).into());
        let slots = io_project!(request, .words);
        for i in 0..WORDS {
            io_write!(slots, [try: i], words.get(i).copied().unwrap_or(0).into());
        }

        // Clears the old answer, so that it is not taken for the next one.
        let (response, _) = self.response_parts();
        io_write!(response, .status, EMPTY);
        io_write!(response, .sequence, 0.into());
        barrier::publish(|| io_write!(request, .status, POSTED));

        // INVARIANT: The length is at most the capacity (checked above).
        Ok(Exchange {
            mailbox: self,
            length: data.len(),
            _borrow: PhantomData,
        })
    }

    /// Takes the response: reads its head once, and checks that it answers the last request. The driver
    /// must check its own words.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// - `EAGAIN`: no response has arrived yet.
    /// - `EBADMSG`: the message is not the answer to the last request, or no request was posted yet, or the
    ///   message is longer than a slot.
    #[inline]
    pub fn take(&self) -> Result<(Message, Untrusted<[u32; WORDS]>)> {
        let (response, _) = self.response_parts();
        let capacity = self.response.capacity();
        io_project!(response, .status)
            .once()
            .read()
            .validate(|status| match status {
                EMPTY => Err(EAGAIN),
                POSTED => Ok(()),
                _ => Err(EBADMSG),
            })?;

        // A status may belong to a late answer to the previous request, followed by a half-written
        // answer to this one. So the number decides, and the rest is read after it.
        barrier::consume(|| io_project!(response, .sequence).once().read())
            .map(|number| u64::from(u32::from(number)))
            .exactly(self.sequence)?;

        barrier::consume(|| {
            let length = io_project!(response, .length).once().read();
            let message = Message {
                // CAST: It is the number that was read.
                sequence: self.sequence as u32,
                length: length.map(u32::from).length(capacity)?,
            };
            let words = io_project!(response, .words).once().read();
            Ok((message, words.map(|words| words.map(u32::from))))
        })
    }

    /// Returns a view of the response's data.
    ///
    /// The device may have changed it since [`take`](Self::take), but not the length of the view.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `ERANGE`: the message is another mailbox's, and is longer than a slot of this one.
    #[inline]
    pub fn data(&self, message: &Message) -> Result<CoherentView<'_, [u8]>> {
        let (_, data) = self.response_parts();
        Ok(io_project!(data, [try: ..message.length]))
    }
}
