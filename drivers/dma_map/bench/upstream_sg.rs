// SPDX-License-Identifier: GPL-2.0

//! Benchmark: build, map, unmap and free a table for vmalloc memory with the `kernel` crate.

use crate::{
    operation::{
        Entry,
        Opened,
        Operation,
        Prepared, //
    },
    pages::Scattered, //
};
use core::ptr::NonNull;
use dma_map::DmaDevice;
use kernel::{
    alloc::allocator::VmallocPageIter,
    dma::DataDirection,
    macros::paste,
    page::AsPageIter,
    prelude::*,
    scatterlist::SGTable, //
};

struct Shared<'b> {
    dev: DmaDevice<'b>,
    /// The number of pages of a buffer.
    count: usize,
    run: for<'x> fn(&mut Sg<'x>, usize) -> Result,
}

struct Sg<'b> {
    dev: DmaDevice<'b>,
    run: Entry<Self>,
    buffer: VVec<u8>,
}

/// A vector that is used again: an [`SGTable`] keeps its pages until it is dropped.
///
/// # Invariants
///
/// A whole vmalloc allocation, which is not freed before this is dropped.
struct Lent {
    start: NonNull<u8>,
    size: usize,
}

impl AsPageIter for Lent {
    type Iter<'a> = VmallocPageIter<'a>;

    fn page_iter(&mut self) -> VmallocPageIter<'_> {
        // SAFETY: `start` and `size` are those of a live vmalloc allocation (type invariants).
        unsafe { VmallocPageIter::new(self.start, self.size) }
    }
}

impl Opened for Shared<'_> {
    fn prepare(&self) -> Result<KBox<dyn Prepared + '_>> {
        let sg = Sg {
            dev: self.dev,
            run: self.run,
            buffer: VVec::scattered(self.dev, self.count)?,
        };
        Ok(KBox::new(sg, GFP_KERNEL)?)
    }
}

impl Prepared for Sg<'_> {
    fn run(&mut self, loops: usize) -> Result {
        (self.run)(self, loops)
    }
}

#[inline(always)]
fn map_unmap(sg: &mut Sg<'_>, loops: usize) -> Result {
    for _ in 0..loops {
        // INVARIANT: All of the vector, which is vmalloc memory and outlives the table of this round.
        let lent = Lent {
            start: NonNull::new(sg.buffer.as_mut_ptr()).ok_or(EINVAL)?,
            size: sg.buffer.len(),
        };
        let dev = sg.dev.device();
        pin_init::stack_try_pin_init!(
            let _table =? SGTable::new(dev, lent, DataDirection::ToDevice, GFP_KERNEL)
        );
    }
    Ok(())
}

macro_rules! operations {
    ($($name:ident, $count:expr;)*) => { paste! {
        $(
            #[inline(never)]
            fn [<upstream_ $name>](sg: &mut Sg<'_>, loops: usize) -> Result {
                map_unmap(sg, loops)
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
                        run: [<upstream_ $name>],
                    };
                    Ok(KBox::new(shared, GFP_KERNEL)?)
                },
            },
        )*];
    } };
}

operations! {
    sg_vmalloc_1, 1;
    sg_vmalloc_16, 16;
    sg_vmalloc_256, 256;
    sg_vmalloc_1024, 1024;
}
