// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! A block can be sent to another thread if its engine can.

use dma_map::{
    DmaPool,
    Engine,
    PoolBlock,
    Shared, //
};

fn sent_to_another_thread<T: Send>(_: T) {}

// pass: pub fn send<E: Engine + Send>(block: PoolBlock<&DmaPool<'_, u32>, Shared<E>>) {
pub fn send<E: Engine>(block: PoolBlock<&DmaPool<'_, u32>, Shared<E>>) {
    sent_to_another_thread(block);
}
