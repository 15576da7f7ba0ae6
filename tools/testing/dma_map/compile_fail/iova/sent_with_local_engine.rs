// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! A mapping can be sent to another thread if its engine can.

use dma_map::{
    Device,
    Engine,
    IovaMapping,
    ToDevice, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = IovaMapping<'bound, VVec<u8>, ToDevice, Device<E>>;

fn sent_to_another_thread<T: Send>(_: T) {}

// pass: pub fn send<E: Engine + Send>(mapping: Mapping<'_, E>) {
pub fn send<E: Engine>(mapping: Mapping<'_, E>) {
    sent_to_another_thread(mapping);
}
