// SPDX-License-Identifier: GPL-2.0

//! Exchanges of a mailbox: a request and the slot for its response, in a transfer.

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
    generic::variance::Invariant,
    transfer::{
        private::Sealed,
        Handle,
        InFlight,
        Piece, //
    },
};

/// The mark of the engine that shares the memory of a mailbox.
type Mark<M> = <<M as Slots>::Engine as Engine>::Mark;

/// A request that was posted, and the slot for its response. A [`Transfer`](crate::Transfer) tells the
/// device of both.
///
/// The device reads the request, with no more than its data, and writes the response slot. The exchange
/// borrows the mailbox, so that no other request overwrites this one. When the transfer ends, the
/// mailbox comes back, to [`take`](Mailbox::take) the response; its memory stays shared.
///
/// A driver whose device knows the addresses of the slots needs no transfer, and drops this.
///
/// A device that a dropped transfer cannot stop, or one whose transfer was leaked, may still read the slot
/// when the next request is posted. It can then get a mix of the two, and answer either.
///
/// # Invariants
///
/// `length` is not more than the capacity of `mailbox`.
pub struct Exchange<'a, M> {
    pub(super) mailbox: &'a Mailbox<M>,
    /// The number of bytes of data in the request.
    pub(super) length: usize,
    pub(super) _borrow: Invariant<'a>,
}

impl<'a, M> Exchange<'a, M> {
    /// Returns the mailbox, to poll for the response while the device may still be busy.
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

        // SAFETY: By the mailbox's invariants the slots are of its memory. `Slots` guarantees that this
        // exists and is shared with the engine while the mailbox is borrowed; the caller guarantees the
        // lifetime. By the type invariants the length is at most the capacity.
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
        // The owner frees the memory, and its drop stops the engine again.
        let _ = Handle::stop(&self);
    }
}
