// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! What a gate keeps stays inside: outside it may be gone.

use dma_map::{
    gate::{
        Gate,
        Guarded, //
    },
    DmaCoherent, //
};
use kernel::{
    prelude::*,
    types::ForLt, //
};

pub struct Inside<'bound> {
    pub memory: DmaCoherent<'bound, [u32]>,
}

impl Guarded for Inside<'_> {
    fn shutdown(&self) {}
}

pub fn first(gate: &Gate<ForLt!(Inside<'_>)>) -> Result<u32> {
    let guard = gate.try_access().ok_or(ENODEV)?;
    // pass: let first = &guard.with(|inside| inside.get_ref().memory[0]);
    let first = guard.with(|inside| &inside.get_ref().memory[0]);
    Ok(*first)
}
