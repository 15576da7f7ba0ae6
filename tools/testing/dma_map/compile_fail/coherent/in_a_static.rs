// SPDX-License-Identifier: GPL-2.0
// error: E0521
// misuse: address-after-unbind/DmaCoherent

//! A static outlives every binding.

use dma_map::DmaCoherent;
use kernel::{
    prelude::*,
    sync::{
        new_mutex,
        Mutex, //
    }, //
};

pub type Slot<'bound> = Option<DmaCoherent<'bound, [u32]>>;

// pass: pub fn keep<'bound>(memory: DmaCoherent<'bound, [u32]>, place: &Mutex<Slot<'bound>>) {
pub fn keep(memory: DmaCoherent<'_, [u32]>, place: &'static Mutex<Slot<'static>>) {
    *place.lock() = Some(memory);
}

pub fn place<'bound>() -> impl PinInit<Mutex<Slot<'bound>>> {
    new_mutex!(None)
}
