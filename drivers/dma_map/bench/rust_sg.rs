// SPDX-License-Identifier: GPL-2.0

//! Benchmark: map and unmap a scattered buffer, with a new table or one that was built before.

use crate::{
    engine::Idle,
    operation::{
        Entry,
        Opened,
        Operation,
        Prepared, //
    },
    pages::Scattered,
    rust_single::{
        hold,
        Mapped,
        LIVE_SIZE, //
    }, //
};
use dma_map::{
    sg::{
        Prebuilt,
        SgSource, //
    },
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

struct Shared<'b, B> {
    dev: DmaDevice<'b>,
    /// The number of pages of a buffer.
    count: usize,
    run: for<'x> fn(&mut Sg<'x, B>, usize) -> Result,
    _held: KVVec<Mapped<'b, LIVE_SIZE, ToDevice>>,
}

struct Sg<'b, B> {
    dev: DmaDevice<'b>,
    run: Entry<Self>,
    buffer: Option<B>,
}

impl<B: Scattered> Opened for Shared<'_, B> {
    fn prepare(&self) -> Result<KBox<dyn Prepared + '_>> {
        let sg = Sg {
            dev: self.dev,
            run: self.run,
            buffer: Some(B::scattered(self.dev, self.count)?),
        };
        Ok(KBox::new(sg, GFP_KERNEL)?)
    }
}

impl<B: Send> Prepared for Sg<'_, B> {
    fn run(&mut self, loops: usize) -> Result {
        (self.run)(self, loops)
    }
}

#[inline(always)]
fn map_unmap<B: SgSource<Element = u8>>(sg: &mut Sg<'_, B>, loops: usize) -> Result {
    let mut buffer = sg.buffer.take().ok_or(EINVAL)?;
    for _ in 0..loops {
        let mapping = SgMapping::map(sg.dev, buffer, ToDevice, Idle, Gfp::Kernel)?;
        buffer = mapping.unmap()?;
    }
    sg.buffer = Some(buffer);
    Ok(())
}

macro_rules! operations {
    ($($name:ident, $buffer:ty, $count:expr;)*) => { paste! {
        $(
            #[inline(never)]
            fn [<rust_ $name>](sg: &mut Sg<'_, $buffer>, loops: usize) -> Result {
                map_unmap(sg, loops)
            }
        )*

        pub(crate) const TABLE: &[Operation] = &[$(
            Operation {
                name: stringify!($name),
                open: |dev, live| {
                    let shared = Shared {
                        dev,
                        count: $count,
                        run: [<rust_ $name>],
                        _held: hold(dev, ToDevice, live)?,
                    };
                    Ok(KBox::new(shared, GFP_KERNEL)?)
                },
            },
        )*];
    } };
}

operations! {
    sg_pages_1, PageList, 1;
    sg_pages_16, PageList, 16;
    sg_pages_256, PageList, 256;
    sg_pages_1024, PageList, 1024;
    sg_prebuilt_1, Prebuilt<PageList>, 1;
    sg_prebuilt_16, Prebuilt<PageList>, 16;
    sg_prebuilt_256, Prebuilt<PageList>, 256;
    sg_prebuilt_1024, Prebuilt<PageList>, 1024;
    sg_vmalloc_1, VVec<u8>, 1;
    sg_vmalloc_16, VVec<u8>, 16;
    sg_vmalloc_256, VVec<u8>, 256;
    sg_vmalloc_1024, VVec<u8>, 1024;
}
