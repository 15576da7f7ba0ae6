// SPDX-License-Identifier: GPL-2.0

//! Benchmark: read or write a field of shared memory.

use crate::{
    engine::Idle,
    operation::{
        Entry,
        Opened,
        Operation,
        Prepared, //
    }, //
};
use core::hint::black_box;
use dma_map::{
    DmaCoherent,
    DmaDevice,
    Gfp,
    Shared, //
};
use kernel::{
    io::{
        io_read,
        io_write, //
    },
    macros::paste,
    prelude::*, //
};

/// The memory that CPU and device share.
#[repr(C)]
#[derive(FromBytes, IntoBytes)]
struct Indices {
    head: u32,
    tail: u32,
    _reserved: [u64; 7],
}

struct Device<'b> {
    dev: DmaDevice<'b>,
    run: for<'x> fn(&mut Field<'x>, usize) -> Result,
}

struct Field<'b> {
    shared: DmaCoherent<'b, Indices, Shared<Idle>>,
    run: Entry<Self>,
    sum: u64,
}

impl Opened for Device<'_> {
    fn prepare(&self) -> Result<KBox<dyn Prepared + '_>> {
        let field = Field {
            shared: DmaCoherent::<Indices>::zeroed(self.dev, Gfp::Kernel)?.give(Idle),
            run: self.run,
            sum: 0,
        };
        Ok(KBox::new(field, GFP_KERNEL)?)
    }
}

impl Prepared for Field<'_> {
    fn run(&mut self, loops: usize) -> Result {
        (self.run)(self, loops)
    }
}

#[inline(always)]
fn read(field: &mut Field<'_>, loops: usize) -> Result {
    let mut sum = 0u64;
    for _ in 0..loops {
        sum = sum.wrapping_add(io_read!(&field.shared, .head).into());
        // Keeps the compiler from unrolling the loop, as in c_field.c.
        black_box(());
    }
    field.sum = sum;
    Ok(())
}

#[inline(always)]
fn write(field: &mut Field<'_>, mut loops: usize) -> Result {
    while loops != 0 {
        // CAST: The value does not matter.
        io_write!(&field.shared, .tail, loops as u32);
        black_box(());
        loops = loops.wrapping_sub(1);
    }
    Ok(())
}

macro_rules! operations {
    ($($name:ident, $body:ident;)*) => { paste! {
        $(
            #[inline(never)]
            fn [<rust_ $name>](field: &mut Field<'_>, loops: usize) -> Result {
                $body(field, loops)
            }
        )*

        pub(crate) const TABLE: &[Operation] = &[$(
            Operation {
                name: stringify!($name),
                open: |dev, live| {
                    if live != 0 {
                        return Err(EOPNOTSUPP);
                    }
                    let device = Device {
                        dev,
                        run: [<rust_ $name>],
                    };
                    Ok(KBox::new(device, GFP_KERNEL)?)
                },
            },
        )*];
    } };
}

operations! {
    field_read, read;
    field_write, write;
}
