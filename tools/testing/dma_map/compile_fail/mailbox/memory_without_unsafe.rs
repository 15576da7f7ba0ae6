// SPDX-License-Identifier: GPL-2.0
// error: E0200

//! A mailbox remembers where its memory is, so that it stays there is an `unsafe` statement.

use dma_map::{
    mailbox::{
        Block,
        Slots, //
    },
    view::CoherentView, //
};

pub struct First<M>(M, M);

// SAFETY: Views of the first one, which stays.
// pass: unsafe impl<M: Slots> Slots for First<M> {
impl<M: Slots> Slots for First<M> {
    type Engine = M::Engine;

    fn blocks(&self) -> CoherentView<'_, [Block]> {
        self.0.blocks()
    }

    fn engine(&self) -> &M::Engine {
        self.0.engine()
    }
}
