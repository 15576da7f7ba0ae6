// SPDX-License-Identifier: GPL-2.0
// error: E0521

//! An interrupt that was requested inside a gate stays inside.

use dma_map::{
    gate::{
        Gate,
        Guarded,
        Scope, //
    },
    irq::{
        VectorOptions,
        Vectors, //
    },
};
use kernel::{
    prelude::*,
    types::ForLt, //
};

pub struct Inside<'bound> {
    pub scope: Scope<'bound>,
}

impl Guarded for Inside<'_> {
    fn shutdown(&self) {}
}

pub fn vectors(gate: &Gate<ForLt!(Inside<'_>)>) -> Result<usize> {
    let guard = gate.try_access().ok_or(ENODEV)?;
    let mut out = None;
    guard.with(|inside| {
        let vectors = Vectors::alloc(inside.scope, VectorOptions::new(1, 1));
        // pass: out = Some(vectors.map(|vectors| vectors.len()));
        out = Some(vectors);
    });
    out.map(|_| 0).ok_or(EINVAL)
}
