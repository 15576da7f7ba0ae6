// SPDX-License-Identifier: GPL-2.0
// error: E0505

//! Outside of the gate, nothing from inside can be used.

use dma_map::gate::{
    Gate,
    Guarded, //
};
use kernel::{
    prelude::*,
    types::ForLt, //
};

pub struct Inside<'bound> {
    pub value: &'bound u32,
}

impl Guarded for Inside<'_> {
    fn shutdown(&self) {}
}

pub fn read(gate: &Gate<ForLt!(Inside<'_>)>) -> Result<u32> {
    let guard = gate.try_access().ok_or(ENODEV)?;
    let entered = &guard;
    let value = entered.with(|inside| *inside.value);
    drop(guard);
    // pass: let again = value;
    let again = entered.with(|inside| *inside.value);
    Ok(again)
}
