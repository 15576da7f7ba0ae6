// SPDX-License-Identifier: GPL-2.0

//! Benchmark: iterate over the segments of a mapped table.

use crate::{
    engine::Idle,
    operation::{
        Entry,
        Opened,
        Operation,
        Prepared, //
    },
    pages::Scattered, //
};
use dma_map::{
    Device,
    DmaDevice,
    Gfp,
    PageList,
    SgMapping,
    ToDevice, //
};
use kernel::{
    macros::paste,
    prelude::*, //
};

struct Shared<'b> {
    dev: DmaDevice<'b>,
    /// The number of pages of a buffer.
    count: usize,
    run: for<'x> fn(&mut Segments<'x>, usize) -> Result,
}

struct Segments<'b> {
    mapping: SgMapping<'b, PageList, ToDevice, Device<Idle>>,
    run: Entry<Self>,
    sum: u64,
}

impl Opened for Shared<'_> {
    fn prepare(&self) -> Result<KBox<dyn Prepared + '_>> {
        let pages = PageList::scattered(self.dev, self.count)?;
        let segments = Segments {
            mapping: SgMapping::map(self.dev, pages, ToDevice, Idle, Gfp::Kernel)?,
            run: self.run,
            sum: 0,
        };
        Ok(KBox::new(segments, GFP_KERNEL)?)
    }
}

impl Prepared for Segments<'_> {
    fn run(&mut self, loops: usize) -> Result {
        (self.run)(self, loops)
    }
}

#[inline(always)]
fn walk(segments: &mut Segments<'_>, loops: usize) -> Result {
    for _ in 0..loops {
        let mut sum = 0u64;
        for segment in segments.mapping.segments() {
            sum = sum.wrapping_add(segment.address.wrapping_add(segment.len.into()));
        }
        segments.sum = core::hint::black_box(sum);
    }
    Ok(())
}

macro_rules! operations {
    ($($name:ident, $count:expr;)*) => { paste! {
        $(
            #[inline(never)]
            fn [<rust_ $name>](segments: &mut Segments<'_>, loops: usize) -> Result {
                walk(segments, loops)
            }
        )*

        pub(crate) const TABLE: &[Operation] = &[$(
            Operation {
                name: stringify!($name),
                open: |dev, live| {
                    if live != 0 {
                        return Err(EOPNOTSUPP);
                    }
                    let shared = Shared {
                        dev,
                        count: $count,
                        run: [<rust_ $name>],
                    };
                    Ok(KBox::new(shared, GFP_KERNEL)?)
                },
            },
        )*];
    } };
}

operations! {
    segments_16, 16;
    segments_256, 256;
}
