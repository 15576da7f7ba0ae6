// SPDX-License-Identifier: GPL-2.0

//! A request and the room for its response, as a transfer.

use super::{
    slot::Slots,
    Mailbox, //
};
use crate::{
    direction::{
        FromDevice,
        ToDevice, //
    },
    engine::{
        self,
        Engine, //
    },
    transfer::{
        private::Sealed,
        Handle,
        InFlight,
        Piece, //
    },
};

/// The mark of the engine that the memory of a mailbox is shared with.
type Mark<M> = <<M as Slots>::Engine as Engine>::Mark;

/// A request that was posted, and the slot for its response: what a [`Transfer`](crate::Transfer) tells
/// the device of.
///
/// The device gets the request to read, with no more than its data, and the response slot to write. It
/// borrows the mailbox, so that no other request is written over this one meanwhile. When the transfer
/// ends, the mailbox comes back, to [`take`](Mailbox::take) the response; its memory stays shared.
///
/// A driver whose device finds the slots by itself needs no transfer, and drops this.
///
/// # Invariants
///
/// `length` is not more than the capacity of `mailbox`.
pub struct Exchange<'a, M> {
    mailbox: &'a Mailbox<M>,
    /// The number of bytes of data in the request.
    length: usize,
}

impl<'a, M> Exchange<'a, M> {
    /// Names the request that was written last.
    ///
    /// # Safety
    ///
    /// `length` must not be more than the capacity of `mailbox`.
    #[inline]
    pub(super) unsafe fn new(mailbox: &'a Mailbox<M>, length: usize) -> Self {
        // INVARIANT: By the safety requirements of this function.
        Self { mailbox, length }
    }

    /// Returns the mailbox, to look for the response while the device may be at work.
    #[inline]
    pub fn mailbox(&self) -> &'a Mailbox<M> {
        self.mailbox
    }
}

impl<M: Slots> Sealed for Exchange<'_, M> {}
impl<M: Slots> InFlight for Exchange<'_, M> {}

impl<'m, M: Slots> Handle for Exchange<'m, M> {
    type Pieces<'a> = (Piece<'a, ToDevice, Mark<M>>, Piece<'a, FromDevice, Mark<M>>);
    type Done = &'m Mailbox<M>;

    #[inline]
    fn is_done(&self) -> bool {
        engine::is_idle(self.mailbox.memory.engine())
    }

    #[inline]
    fn stop(&self) -> bool {
        engine::stop(self.mailbox.memory.engine())
    }

    #[inline]
    unsafe fn pieces<'a>(&self) -> Self::Pieces<'a> {
        let Mailbox {
            request, response, ..
        } = self.mailbox;

        // SAFETY: By its invariants, the slots are of the mailbox's memory, which is there and shared, with
        // this engine, as long as it is borrowed (`Slots`); the caller sees to the lifetime. By the type
        // invariants the length is not more than the capacity.
        unsafe {
            (
                request.piece(self.length),
                response.piece(response.capacity()),
            )
        }
    }

    #[inline]
    unsafe fn finish(self) -> &'m Mailbox<M> {
        self.mailbox
    }

    #[inline]
    fn release(self) {
        // What is borrowed is not freed here; whoever frees it asks again.
        let _ = Handle::stop(&self);
    }
}
