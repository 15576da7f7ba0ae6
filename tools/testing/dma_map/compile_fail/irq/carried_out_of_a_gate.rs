// SPDX-License-Identifier: GPL-2.0
// error: E0521
// misuse: address-after-unbind/Interrupt

//! An interrupt that was requested inside a gate stays inside.

use dma_map::{
    gate::{
        Gate,
        Guarded, //
    },
    irq::Vectors, //
};
use kernel::{
    irq::{
        Handler,
        IrqReturn, //
    },
    prelude::*,
    types::ForLt, //
};

pub struct Inside<'bound> {
    pub vectors: Vectors<'bound>,
}

impl Guarded for Inside<'_> {
    fn shutdown(&self) {}
}

pub struct Ours;

impl Handler for Ours {
    fn handle(&self) -> IrqReturn {
        IrqReturn::Handled
    }
}

pub fn request(gate: &Gate<ForLt!(Inside<'_>)>) -> Result<usize> {
    let guard = gate.try_access().ok_or(ENODEV)?;
    let mut out = None;
    guard.with(|inside| {
        let irq = inside.vectors.request(0, fmt!("case"), Ours);
        // pass: out = Some(irq.map(|irq| irq.index()));
        out = Some(irq);
    });
    out.map(|_| 0).ok_or(EINVAL)
}
