// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! Any thread may enter a gate, so its contents must be `Sync`.

use core::cell::Cell;
use dma_map::gate::{
    Gate,
    Guarded, //
};
use kernel::{
    prelude::*,
    sync::atomic::Atomic,
    types::ForLt, //
};

pub struct Inside<'bound> {
    // pass: pub count: Atomic<u32>,
    pub count: Cell<u32>,
    pub name: &'bound CStr,
}

pub type Counters = (Cell<u32>, Atomic<u32>);

impl Guarded for Inside<'_> {
    fn shutdown(&self) {}
}

pub fn entered(gate: &Gate<ForLt!(Inside<'_>)>) -> bool {
    Gate::try_access(gate).is_some()
}
