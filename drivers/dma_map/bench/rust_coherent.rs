// SPDX-License-Identifier: GPL-2.0

//! Benchmark: allocate and free coherent memory.

use crate::operation::{
    Entry,
    Opened,
    Operation,
    Prepared, //
};
use dma_map::{
    DmaCoherent,
    DmaDevice,
    Gfp, //
};
use kernel::{
    macros::paste,
    prelude::*,
    sizes::{
        SZ_4K,
        SZ_64K, //
    }, //
};

/// The size of live allocations: each takes a page.
const LIVE_SIZE: usize = 64;

struct Shared<'b> {
    dev: DmaDevice<'b>,
    run: for<'x> fn(&mut Coherent<'x>, usize) -> Result,
    _held: KVVec<DmaCoherent<'b, [u8; LIVE_SIZE]>>,
}

struct Coherent<'b> {
    dev: DmaDevice<'b>,
    run: Entry<Self>,
}

impl Opened for Shared<'_> {
    fn prepare(&self) -> Result<KBox<dyn Prepared + '_>> {
        let coherent = Coherent {
            dev: self.dev,
            run: self.run,
        };
        Ok(KBox::new(coherent, GFP_KERNEL)?)
    }
}

impl Prepared for Coherent<'_> {
    fn run(&mut self, loops: usize) -> Result {
        (self.run)(self, loops)
    }
}

fn hold(dev: DmaDevice<'_>, live: usize) -> Result<KVVec<DmaCoherent<'_, [u8; LIVE_SIZE]>>> {
    let mut held = KVVec::with_capacity(live, GFP_KERNEL)?;
    for _ in 0..live {
        held.push(DmaCoherent::zeroed(dev, Gfp::Kernel)?, GFP_KERNEL)?;
    }
    Ok(held)
}

#[inline(always)]
fn alloc_free<const N: usize>(coherent: &mut Coherent<'_>, loops: usize) -> Result {
    for _ in 0..loops {
        drop(DmaCoherent::<[u8; N]>::zeroed(coherent.dev, Gfp::Kernel)?);
    }
    Ok(())
}

macro_rules! operations {
    ($($name:ident, $size:expr;)*) => { paste! {
        $(
            #[inline(never)]
            fn [<rust_ $name>](coherent: &mut Coherent<'_>, loops: usize) -> Result {
                alloc_free::<{ $size }>(coherent, loops)
            }
        )*

        pub(crate) const TABLE: &[Operation] = &[$(
            Operation {
                name: stringify!($name),
                open: |dev, live| {
                    let shared = Shared {
                        dev,
                        run: [<rust_ $name>],
                        _held: hold(dev, live)?,
                    };
                    Ok(KBox::new(shared, GFP_KERNEL)?)
                },
            },
        )*];
    } };
}

operations! {
    coherent_64, 64;
    coherent_4k, SZ_4K;
    coherent_64k, SZ_64K;
}
