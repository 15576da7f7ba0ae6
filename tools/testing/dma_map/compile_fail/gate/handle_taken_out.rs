// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! A handle that is taken from where it is kept is still inside.

use dma_map::{
    gate::{
        Gate,
        Guarded, //
    },
    DmaCoherent, //
};
use kernel::{
    prelude::*,
    sync::Mutex,
    types::ForLt, //
};

#[pin_data]
pub struct Inside<'bound> {
    #[pin]
    pub memory: Mutex<Option<DmaCoherent<'bound, [u32]>>>,
}

impl Guarded for Inside<'_> {
    fn shutdown(&self) {}
}

pub fn take(gate: &Gate<ForLt!(Inside<'_>)>) -> Result {
    let guard = gate.try_access().ok_or(ENODEV)?;
    // pass: let taken = guard.with(|inside| inside.memory.lock().take().map(drop));
    let taken = guard.with(|inside| inside.memory.lock().take());
    taken.map(drop).ok_or(EINVAL)
}
