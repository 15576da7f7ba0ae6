// SPDX-License-Identifier: GPL-2.0

//! The mailbox: two slots in memory that the device and the CPU share.
//!
//! The CPU writes a message to the request slot. The device copies it to its own buffer, and from
//! there to the response slot. What is in the response slot was written by a device, so it is taken
//! as one value, and checked before anything is done with it.

use crate::{
    engine::Edu,
    events::Deadline,
    piece::Piece,
    uapi::{
        Opcode,
        ECHO_MAX, //
    },
};
use dma_map::{
    barrier,
    DmaCoherent,
    DmaDevice,
    Gfp,
    Shared, //
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

/// The slot holds no message.
const EMPTY: u32 = 0;

/// The slot holds a message.
const POSTED: u32 = 1;

/// What slots are copied by, and what keeps them apart: at least a cache line.
const BLOCK: usize = 64;

/// The head of a message.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, IntoBytes)]
struct Head {
    /// [`EMPTY`] or [`POSTED`], the field that gives a slot away.
    status: u32,
    sequence: u32,
    opcode: u32,
    argument: u32,
    /// The number of bytes of data.
    length: u32,
    _reserved: [u32; 11],
}

/// A slot: as large as the device's buffer.
#[repr(C, align(64))]
#[derive(FromBytes, IntoBytes)]
struct Slot {
    head: Head,
    data: [[u8; BLOCK]; ECHO_MAX / BLOCK],
}

static_assert!(size_of::<Head>() == BLOCK);
static_assert!(size_of::<Slot>() == 4096);

#[repr(C)]
#[derive(FromBytes, IntoBytes)]
struct Slots {
    request: Slot,
    response: Slot,
}

/// A message, as the device gave it back and as it was found to be right.
pub(crate) struct Message {
    pub(crate) sequence: u32,
    pub(crate) opcode: Opcode,
    pub(crate) argument: u32,
    /// The number of bytes of data; at most [`ECHO_MAX`].
    length: usize,
}

impl Message {
    /// Makes a message of what the device wrote, in answer to number `sequence`.
    ///
    /// # Errors
    ///
    /// `EBADMSG` if it is none, or not the answer.
    fn check(head: Head, sequence: u32) -> Result<Self> {
        let length = usize::try_from(head.length).map_err(|_| EBADMSG)?;

        if head.status != POSTED || head.sequence != sequence || length > ECHO_MAX {
            return Err(EBADMSG);
        }

        Ok(Self {
            sequence,
            opcode: Opcode::try_from(head.opcode).map_err(|_| EBADMSG)?,
            argument: head.argument,
            length,
        })
    }
}

/// The two slots, and whose turn it is.
pub(crate) struct Channel<'bound> {
    slots: DmaCoherent<'bound, Slots, Shared<Arc<Edu<'bound>>>>,
    /// The number of the last message; never 0.
    sequence: u32,
}

impl<'bound> Channel<'bound> {
    /// Allocates empty slots, and shares them with the device.
    pub(crate) fn new(dma: DmaDevice<'bound>, edu: Arc<Edu<'bound>>) -> Result<Self> {
        Ok(Self {
            slots: DmaCoherent::<Slots>::zeroed(dma, Gfp::Kernel)?.share(edu),
            sequence: 0,
        })
    }

    /// Sends a message through the device.
    ///
    /// # Errors
    ///
    /// - `EMSGSIZE`: the data does not fit in a slot.
    /// - `EBADMSG`: what the device gave back is not the answer.
    /// - Those of [`Edu::fill`].
    pub(crate) fn call(
        &mut self,
        edu: &Edu<'_>,
        opcode: Opcode,
        argument: u32,
        data: &[u8],
        deadline: &Deadline,
    ) -> Result<Message> {
        if data.len() > ECHO_MAX {
            return Err(EMSGSIZE);
        }
        self.sequence = self.sequence.wrapping_add(1).max(1);

        let request = io_project!(&self.slots, .request);
        for (i, bytes) in data.chunks(BLOCK).enumerate() {
            let mut block = [0; BLOCK];
            for (to, from) in block.iter_mut().zip(bytes) {
                *to = *from;
            }
            io_project!(request, .data[try: i]).copy_write(block);
        }
        io_write!(request, .head.sequence, self.sequence);
        io_write!(request, .head.opcode, opcode as u32);
        io_write!(request, .head.argument, argument);
        // CAST: At most `ECHO_MAX`, see above.
        io_write!(request, .head.length, data.len() as u32);

        // An answer that does not come must not look like the last one.
        let response = io_project!(&self.slots, .response);
        io_write!(response, .head.status, EMPTY);
        io_write!(response, .head.sequence, 0);
        barrier::publish(|| io_write!(request, .head.status, POSTED));

        // The doorbell: the device fetches the request, and stores it as the response.
        let size = size_of::<Head>() + data.len();
        edu.fill(&Piece::of_view(request, size)?, 0, deadline)?;
        edu.drain(&Piece::of_view(response, size)?, 0, deadline)?;

        let head = barrier::consume(|| io_project!(response, .head).copy_read());
        let message = Message::check(head, self.sequence)?;
        if message.length != data.len() {
            return Err(EBADMSG);
        }
        Ok(message)
    }

    /// Appends the data of the response to `out`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, not if `out` has room for it.
    pub(crate) fn data(&self, message: &Message, out: &mut VVec<u8>) -> Result {
        let mut left = message.length;

        for i in 0..message.length.div_ceil(BLOCK) {
            let block = io_project!(&self.slots, .response.data[try: i]).copy_read();
            let bytes = block.get(..left.min(BLOCK)).ok_or(EINVAL)?;
            out.extend_from_slice(bytes, GFP_KERNEL)?;
            left -= bytes.len();
        }
        Ok(())
    }
}
