// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! A transfer can be sent to another thread if its handles can.

use dma_map::{
    Device,
    DmaMapping,
    Engine,
    ToDevice,
    Transfer, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = DmaMapping<'bound, KVec<u8>, ToDevice, Device<E>>;

fn sent_to_another_thread<T: Send>(_: T) {}

// pass: pub fn send<E: Engine + Send>(transfer: Transfer<Mapping<'_, E>>) {
pub fn send<E: Engine>(transfer: Transfer<Mapping<'_, E>>) {
    sent_to_another_thread(transfer);
}
