// SPDX-License-Identifier: GPL-2.0

//! A table is built for vmalloc memory, mapped, unmapped, and freed, with the `kernel` crate.

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
    /// How many pages a buffer has.
    count: usize,
    run: for<'x> fn(&mut Sg<'x>, usize) -> Result,
}

struct Sg<'b> {
    dev: DmaDevice<'b>,
    run: Entry<Self>,
    buffer: VVec<u8>,
}

/// A vector that comes back: [`SGTable`] keeps what it is given, until it is dropped.
///
/// # Invariants
///
/// All of a vmalloc allocation, which is not freed before this is gone.
struct Lent {
    start: NonNull<u8>,
    size: usize,
}

impl AsPageIter for Lent {
    type Iter<'a> = VmallocPageIter<'a>;

    fn page_iter(&mut self) -> VmallocPageIter<'_> {
        // SAFETY: By the type invariants.
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
        // INVARIANT: The table is dropped at the end of the round, and the vector is not.
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
