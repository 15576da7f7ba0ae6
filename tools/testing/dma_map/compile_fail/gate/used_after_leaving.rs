// SPDX-License-Identifier: GPL-2.0
// error: E0505

//! Who has left the gate has nothing from inside.

use dma_map::gate::{
    Gate,
    Guarded, //
};
use kernel::{
    prelude::*,
    types::ForLt, //
};

pub struct CrateToken<'bound> {
    pub value: &'bound u32,
}

impl Guarded for CrateToken<'_> {
    fn shutdown(&self) {}
}

pub fn read(gate: &Gate<ForLt!(CrateToken<'_>)>) -> Result<u32> {
    let guard = gate.enter().ok_or(ENODEV)?;
    let entered = &guard;
    let value = entered.with(|inside| *inside.value);
    drop(guard);
    // pass: let again = value;
    let again = entered.with(|inside| *inside.value);
    Ok(again)
}
