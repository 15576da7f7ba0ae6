// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! A ring takes memory of the CPU, so that no other device was told of it.

use dma_map::{
    transfer::Post,
    Device,
    Engine,
    FromDevice,
    MappedBuffer, //
};

fn taken_by_a_ring<H: Post>(_: H) {}

// pass: pub fn give<E: Engine>(buffer: MappedBuffer<'_, u8, FromDevice>, _: Option<Device<E>>) {
pub fn give<E: Engine>(buffer: MappedBuffer<'_, u8, FromDevice, Device<E>>, _: Option<Device<E>>) {
    taken_by_a_ring(buffer);
}
