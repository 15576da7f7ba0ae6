// SPDX-License-Identifier: GPL-2.0

//! A mailbox: one request at a time, in memory that CPU and device share, and its response.
//!
//! The memory is two slots of the same size. A slot is made of blocks of 64 bytes: the first one is
//! a head, and the data follows. The driver decides what the words of the head mean that are not
//! the mailbox's, and how the device is told that there is a request (the doorbell) and tells that
//! there is a response.
//!
//! A head is sixteen little-endian words of 32 bits: the status (0 for none, 1 for a message), the
//! number of the request, the number of bytes of data, 0, and the driver's [`WORDS`] words. The
//! driver has its words as numbers; the data is bytes, whose order is its own
//! ([`endian`](crate::endian) has types for both).
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

/// The slot holds no message.
const EMPTY: Le<u32> = Le::<u32>::new(0);

/// The slot holds a message.
const POSTED: Le<u32> = Le::<u32>::new(1);

/// Returns the number of bytes in a slot that a message with `length` bytes of data takes.
#[inline]
pub const fn size_of(length: usize) -> usize {
    length.saturating_add(BLOCK)
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
/// `request` and `response` are the halves of what [`Slots::blocks`] of `memory` returns.
pub struct Mailbox<M> {
    memory: M,
    request: Slot,
    response: Slot,
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
    /// `EINVAL`: fewer than two blocks, an odd number, or 4 GiB in a slot.
    pub fn new(memory: M) -> Result<Self> {
        let blocks = memory.blocks();
        let count = blocks.len();
        if count % 2 != 0 {
            return Err(EINVAL);
        }
        let request = Slot::new(io_project!(blocks, [try: ..count / 2]))?;
        let response = Slot::new(io_project!(blocks, [try: count / 2..]))?;

        // INVARIANT: Of this memory, which stays there, as `Slots` promises.
        Ok(Self {
            memory,
            request,
            response,
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
        self.request.capacity()
    }

    /// Returns the request slot, from its first byte on, for a device that is told of it once.
    #[inline]
    pub fn request(&self) -> CoherentView<'_, [Block]> {
        // SAFETY: By the type invariants; the memory is there, and shared, as `Slots` promises of what is
        // not dropped.
        unsafe { self.request.blocks() }
    }

    /// Returns the response slot.
    #[inline]
    pub fn response(&self) -> CoherentView<'_, [Block]> {
        // SAFETY: As above.
        unsafe { self.response.blocks() }
    }

    #[inline]
    fn request_head(&self) -> CoherentView<'_, Head> {
        // SAFETY: As above.
        unsafe { self.request.head() }
    }

    #[inline]
    fn request_data(&self) -> CoherentView<'_, [u8]> {
        // SAFETY: As above.
        unsafe { self.request.data() }
    }

    #[inline]
    fn response_head(&self) -> CoherentView<'_, Head> {
        // SAFETY: As above.
        unsafe { self.response.head() }
    }

    #[inline]
    fn response_data(&self) -> CoherentView<'_, [u8]> {
        // SAFETY: As above.
        unsafe { self.response.data() }
    }

    /// Writes a request, and gives it away when all of it is written. What is in the response slot
    /// is not the answer any more.
    ///
    /// [`Transfer::start`](crate::Transfer::start) takes what is returned, and tells the device of it.
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
        let next = self.sequence.wrapping_add(1);
        self.sequence = next.wrapping_add(u32::from(next == 0));

        self.request_data().try_copy_from_slice(data)?;
        let request = self.request_head();
        io_write!(request, .status, EMPTY);
        io_write!(request, .sequence, self.sequence.into());
        // CAST: Not more than the capacity, which is a `u32`.
        io_write!(request, .length, (data.len() as u32).into());
        let slots = io_project!(request, .words);
        for i in 0..WORDS {
            io_write!(slots, [try: i], words.get(i).copied().unwrap_or(0).into());
        }

        // An answer that does not come must not look like the last one.
        let response = self.response_head();
        io_write!(response, .status, EMPTY);
        io_write!(response, .sequence, 0.into());
        barrier::publish(|| io_write!(request, .status, POSTED));

        // SAFETY: Checked above.
        Ok(unsafe { Exchange::new(self, data.len()) })
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
    #[inline]
    pub fn take(&self) -> Result<(Message, Untrusted<[u32; WORDS]>)> {
        let response = self.response_head();
        let capacity = self.response.capacity();
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
            .exactly(self.sequence.into())?;

        barrier::consume(|| {
            let length = io_project!(response, .length).once().read();
            let message = Message {
                sequence: self.sequence,
                length: length.map(u32::from).length(capacity)?,
            };
            let words = io_project!(response, .words).once().read();
            Ok((message, words.map(|words| words.map(u32::from))))
        })
    }

    /// Returns a view of the data of the response.
    ///
    /// The device may have changed it since [`take`](Self::take); it is data, and not a length.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `ERANGE`: the message is another mailbox's, and longer than a slot of this one.
    #[inline]
    pub fn data(&self, message: &Message) -> Result<CoherentView<'_, [u8]>> {
        let data = self.response_data();
        Ok(io_project!(data, [try: ..message.length]))
    }
}
