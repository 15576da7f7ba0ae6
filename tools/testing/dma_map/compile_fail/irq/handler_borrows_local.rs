// SPDX-License-Identifier: GPL-2.0
// error: E0597

//! What a handler borrows lasts until the end of the binding, because C calls the handler until then if
//! its interrupt is leaked.

use core::sync::atomic::{
    AtomicU32,
    Ordering, //
};
use dma_map::irq::Vectors;
use kernel::{
    irq::{
        Handler,
        IrqReturn, //
    },
    prelude::*, //
};

pub struct Counter<'a>(&'a AtomicU32);

impl Handler for Counter<'_> {
    fn handle(&self) -> IrqReturn {
        self.0.fetch_add(1, Ordering::Relaxed);
        IrqReturn::Handled
    }
}

static OURS: AtomicU32 = AtomicU32::new(0);

pub fn leak(vectors: &Vectors<'_>) -> Result {
    let mine = AtomicU32::new(0);
    // pass: let counter = Counter(&OURS);
    let counter = Counter(&mine);
    core::mem::forget(vectors.request(0, fmt!("case"), counter)?);
    mine.store(OURS.load(Ordering::Relaxed), Ordering::Relaxed);
    Ok(())
}
