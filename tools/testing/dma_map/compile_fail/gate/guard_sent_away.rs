// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! Who has entered a gate leaves it on the same thread.

use dma_map::gate::{
    Gate,
    Guarded, //
};
use kernel::{
    prelude::*,
    types::ForLt, //
};

fn sent_to_another_thread<T: Send>(_: T) {}

pub struct Inside<'bound> {
    pub value: &'bound u32,
}

impl Guarded for Inside<'_> {
    fn shutdown(&self) {}
}

pub fn send(gate: &Gate<ForLt!(Inside<'_>)>) -> Result {
    let guard = gate.enter().ok_or(ENODEV)?;
    sent_to_another_thread(guard);
    Ok(())
}
