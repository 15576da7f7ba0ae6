// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! A handle can be sent to another thread if its engine can.

use dma_map::{
    DmaCoherent,
    Engine,
    Shared, //
};

fn sent_to_another_thread<T: Send>(_: T) {}

// pass: pub fn send<E: Engine + Send>(memory: DmaCoherent<'_, [u32], Shared<E>>) {
pub fn send<E: Engine>(memory: DmaCoherent<'_, [u32], Shared<E>>) {
    sent_to_another_thread(memory);
}
