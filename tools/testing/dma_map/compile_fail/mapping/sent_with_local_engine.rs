// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! A mapping can be sent to another thread if its engine can.

use dma_map::{
    Device,
    DmaMapping,
    Engine,
    ToDevice, //
};
use kernel::prelude::*;

fn sent_to_another_thread<T: Send>(_: T) {}

// pass: pub fn send<E: Engine + Send>(mapping: DmaMapping<'_, KVec<u8>, ToDevice, Device<E>>) {
pub fn send<E: Engine>(mapping: DmaMapping<'_, KVec<u8>, ToDevice, Device<E>>) {
    sent_to_another_thread(mapping);
}
