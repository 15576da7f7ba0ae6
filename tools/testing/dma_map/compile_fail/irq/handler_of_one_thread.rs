// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! A handler runs on any CPU, while the driver has it, too.

use core::cell::Cell;
use dma_map::irq::{
    Interrupt,
    Vectors, //
};
use kernel::{
    irq::{
        Handler,
        IrqReturn, //
    },
    prelude::*,
    sync::atomic::Atomic, //
};

// pass: pub struct Counter(Atomic<u32>);
pub struct Counter(Cell<u32>);

pub type Counters = (Cell<u32>, Atomic<u32>);

impl Handler for Counter {
    fn handle(&self) -> IrqReturn {
        IrqReturn::Handled
    }
}

pub fn request<'b>(vectors: &Vectors<'b>, counter: Counter) -> Result<Interrupt<'b, Counter>> {
    vectors.request(0, fmt!("case"), counter)
}
