// SPDX-License-Identifier: GPL-2.0
// error: E0521

//! The token inside a gate is worth nothing outside.

use dma_map::{
    gate::{
        Gate,
        Guarded, //
    },
    DmaDevice, //
};
use kernel::{
    prelude::*,
    types::ForLt, //
};

pub struct Inside<'bound> {
    pub dma: DmaDevice<'bound>,
}

impl Guarded for Inside<'_> {
    fn shutdown(&self) {}
}

pub fn mask(gate: &Gate<ForLt!(Inside<'_>)>) -> Result<u64> {
    let guard = gate.try_access().ok_or(ENODEV)?;
    let mut token = None;
    // pass: guard.with(|inside| token = Some(inside.dma.mask()));
    guard.with(|inside| token = Some(inside.dma));
    token.map(|_| 0).ok_or(EINVAL)
}
