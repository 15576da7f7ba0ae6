// SPDX-License-Identifier: GPL-2.0
// error: E0521

//! A handle of one device does not fit into another device's gate.

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

pub fn swap(one: &Gate<ForLt!(Inside<'_>)>, other: &Gate<ForLt!(Inside<'_>)>) -> Result {
    let (one, other) = (
        one.try_access().ok_or(ENODEV)?,
        other.try_access().ok_or(ENODEV)?,
    );
    one.with(|one| {
        other.with(|other| {
            // pass: let _locked = (one.memory.lock(), other.memory.lock());
            core::mem::swap(&mut *one.memory.lock(), &mut *other.memory.lock());
        })
    });
    Ok(())
}
