// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! A buffer can be sent to another thread if its engine can.

use dma_map::{
    Device,
    Engine,
    MappedBuffer,
    ToDevice, //
};

fn sent_to_another_thread<T: Send>(_: T) {}

pub type Given<'b, E> = MappedBuffer<'b, u8, ToDevice, Device<E>>;

// pass: pub fn send<E: Engine + Send>(buffer: Given<'_, E>) {
pub fn send<E: Engine>(buffer: Given<'_, E>) {
    sent_to_another_thread(buffer);
}
