// SPDX-License-Identifier: GPL-2.0

//! Messages to the device, through the mailbox in coherent memory.
//!
//! The device copies the request slot of the library's mailbox to its own buffer, and from there to
//! the response slot.

use crate::{
    engine::Edu,
    uapi::{
        Opcode,
        ECHO_MAX, //
    },
};
use dma_map::{
    mailbox::{
        self,
        Block,
        Mailbox, //
    },
    wait::Deadline,
    CoherentOptions,
    DmaCoherent,
    DmaDevice,
    Gfp,
    Mmap,
    Shared,
    Transfer, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// The memory of the mailbox, which user space can map.
pub(crate) type Memory<'bound> = Mmap<DmaCoherent<'bound, [Block], Shared<Arc<Edu<'bound>>>>>;

/// A message that came back from the device, and was checked.
pub(crate) struct Message {
    pub(crate) opcode: Opcode,
    pub(crate) argument: u32,
    inner: mailbox::Message,
}

impl Message {
    /// Returns the sequence number of the message.
    pub(crate) fn sequence(&self) -> u32 {
        self.inner.sequence()
    }
}

/// The mailbox of one device.
pub(crate) struct Channel<'bound> {
    mailbox: Mailbox<Arc<Memory<'bound>>>,
}

impl<'bound> Channel<'bound> {
    /// Allocates a mailbox, and shares it with the device.
    pub(crate) fn new(dma: DmaDevice<'bound>, edu: Arc<Edu<'bound>>) -> Result<Self> {
        let blocks = Mailbox::blocks_for(ECHO_MAX);
        // The device is told of one slot at a time, and a slot fits its buffer; only the two together
        // are longer than its segments.
        let options = CoherentOptions::new(Gfp::Kernel).beyond_segment_limits();
        let memory = DmaCoherent::<[Block]>::zeroed_slice(dma, blocks, options)?;

        Ok(Self {
            mailbox: Mailbox::new(Arc::new(Mmap::new(memory.give(edu))?, GFP_KERNEL)?)?,
        })
    }

    /// Returns the memory of the mailbox.
    pub(crate) fn memory(&self) -> Arc<Memory<'bound>> {
        self.mailbox.memory().clone()
    }

    /// Sends a message through the device.
    ///
    /// # Errors
    ///
    /// - `EMSGSIZE`: the data does not fit in a slot.
    /// - `EBADMSG`: the response is not that of the message.
    /// - Those of [`Edu::fill`].
    pub(crate) fn call(
        &mut self,
        edu: &Edu<'bound>,
        opcode: Opcode,
        argument: u32,
        data: &[u8],
        deadline: &Deadline,
    ) -> Result<Message> {
        let exchange = self.mailbox.post(&[opcode as u32, argument], data)?;

        // The doorbell: the device fetches the request, and stores it as the response.
        let mailbox = Transfer::start(exchange, |(request, response)| {
            edu.fill(request, 0, deadline)?;
            edu.drain(response.part(0..request.len())?, 0, deadline)
        })?
        .complete()?;

        // The device is done: a response that is missing now will not arrive later.
        let (inner, words) = mailbox.take().map_err(|_| EBADMSG)?;
        if inner.len() != data.len() {
            return Err(EBADMSG);
        }
        words.validate(|[opcode, argument, ..]| {
            Ok(Message {
                opcode: Opcode::try_from(opcode).map_err(|_| EBADMSG)?,
                argument,
                inner,
            })
        })
    }

    /// Appends the data of the response to `out`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, only if `out` has too little capacity.
    pub(crate) fn data(&self, message: &Message, out: &mut VVec<u8>) -> Result {
        self.mailbox
            .data(&message.inner)?
            .append_to(out, GFP_KERNEL)
    }
}
