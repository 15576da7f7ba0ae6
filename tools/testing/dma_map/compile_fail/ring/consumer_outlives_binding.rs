// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough
// misuse: address-after-unbind/Consumer

//! A ring that the device fills ends with the binding of its memory.

use dma_map::{
    ring::{
        Consumer,
        InMemory, //
    },
    state::Shared,
    DmaCoherent,
    Engine, //
};
use kernel::prelude::*;

pub type Slots<'bound, E> = DmaCoherent<'bound, [u32], Shared<E>>;
pub type Ring<'bound, E> = Consumer<'bound, u32, E, InMemory<'bound, E>>;

// pass: pub fn new<'b, E: Engine>(slots: Slots<'b, E>, c: InMemory<'b, E>) -> Result<Ring<'b, E>> {
pub fn new<'b, E: Engine>(slots: Slots<'b, E>, c: InMemory<'b, E>) -> Result<Ring<'static, E>> {
    Consumer::new(slots, c)
}
