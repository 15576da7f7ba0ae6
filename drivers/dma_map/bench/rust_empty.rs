// SPDX-License-Identifier: GPL-2.0

//! Benchmark: the empty loop, whose cost is in all figures.

use crate::operation::{
    Opened,
    Operation,
    Prepared, //
};
use kernel::prelude::*;

struct Empty;

impl Opened for Empty {
    fn prepare(&self) -> Result<KBox<dyn Prepared + '_>> {
        Ok(KBox::new(Empty, GFP_KERNEL)?)
    }
}

impl Prepared for Empty {
    fn run(&mut self, loops: usize) -> Result {
        rust_empty(loops)
    }
}

#[inline(never)]
fn rust_empty(loops: usize) -> Result {
    for _ in 0..loops {
        core::hint::black_box(());
    }
    Ok(())
}

pub(crate) const TABLE: &[Operation] = &[Operation {
    name: "empty",
    open: |_, live| {
        if live != 0 {
            return Err(EOPNOTSUPP);
        }
        Ok(KBox::new(Empty, GFP_KERNEL)?)
    },
}];
