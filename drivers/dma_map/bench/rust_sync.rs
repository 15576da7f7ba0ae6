// SPDX-License-Identifier: GPL-2.0

//! Benchmark: complete a buffer that stays mapped, and give it to the device again.

use crate::{
    engine::Idle,
    operation::{
        Entry,
        Opened,
        Operation,
        Prepared, //
    },
    rust_single::{
        aligned_buffer,
        hold,
        Mapped,
        LIVE_SIZE, //
    }, //
};
use dma_map::{
    direction::{
        Carries,
        Direction, //
    },
    Bidirectional,
    DmaDevice,
    DmaMapping,
    FromDevice,
    MapOptions,
    ToDevice, //
};
use kernel::{
    macros::paste,
    prelude::*,
    sizes::{
        SZ_4K,
        SZ_64K, //
    }, //
};

struct Shared<'b, const N: usize, D: Direction> {
    dev: DmaDevice<'b>,
    direction: D,
    run: for<'x> fn(&mut Single<'x, N, D>, usize) -> Result,
    _held: KVVec<Mapped<'b, LIVE_SIZE, D>>,
}

struct Single<'b, const N: usize, D: Direction> {
    run: Entry<Self>,
    mapping: Option<Mapped<'b, N, D>>,
}

impl<const N: usize, D: Carries<[u8; N]>> Opened for Shared<'_, N, D> {
    fn prepare(&self) -> Result<KBox<dyn Prepared + '_>> {
        let buffer = aligned_buffer()?;
        let mapping = DmaMapping::map(self.dev, buffer, self.direction, Idle, MapOptions::new())?;
        let single = Single {
            run: self.run,
            mapping: Some(mapping),
        };
        Ok(KBox::new(single, GFP_KERNEL)?)
    }
}

impl<const N: usize, D: Carries<[u8; N]>> Prepared for Single<'_, N, D> {
    fn run(&mut self, loops: usize) -> Result {
        (self.run)(self, loops)
    }
}

#[inline(always)]
fn sync<const N: usize, D: Carries<[u8; N]>>(
    single: &mut Single<'_, N, D>,
    loops: usize,
) -> Result {
    let mut mapping = single.mapping.take().ok_or(EINVAL)?;
    for _ in 0..loops {
        mapping = mapping.complete()?.give(Idle);
    }
    single.mapping = Some(mapping);
    Ok(())
}

/// A packet of 64 bytes in a larger buffer.
#[inline(always)]
fn sync_range<const N: usize, D: Carries<[u8; N]>>(
    single: &mut Single<'_, N, D>,
    loops: usize,
) -> Result {
    let mut mapping = single.mapping.take().ok_or(EINVAL)?;
    for _ in 0..loops {
        mapping = mapping.complete_range(0..64)?.give(Idle);
    }
    single.mapping = Some(mapping);
    Ok(())
}

macro_rules! operations {
    ($($name:ident, $size:expr, $direction:ident, $body:ident;)*) => { paste! {
        $(
            #[inline(never)]
            fn [<rust_ $name>](
                single: &mut Single<'_, { $size }, $direction>,
                loops: usize,
            ) -> Result {
                $body(single, loops)
            }
        )*

        pub(crate) const TABLE: &[Operation] = &[$(
            Operation {
                name: stringify!($name),
                open: |dev, live| {
                    let shared = Shared {
                        dev,
                        direction: $direction,
                        run: [<rust_ $name>],
                        _held: hold(dev, $direction, live)?,
                    };
                    Ok(KBox::new(shared, GFP_KERNEL)?)
                },
            },
        )*];
    } };
}

operations! {
    sync_single_64_to_device, 64, ToDevice, sync;
    sync_single_64_from_device, 64, FromDevice, sync;
    sync_single_64_bidirectional, 64, Bidirectional, sync;
    sync_single_4k_to_device, SZ_4K, ToDevice, sync;
    sync_single_4k_from_device, SZ_4K, FromDevice, sync;
    sync_single_4k_bidirectional, SZ_4K, Bidirectional, sync;
    sync_single_64k_to_device, SZ_64K, ToDevice, sync;
    sync_single_64k_from_device, SZ_64K, FromDevice, sync;
    sync_single_64k_bidirectional, SZ_64K, Bidirectional, sync;
    sync_range_64_of_4k_from_device, SZ_4K, FromDevice, sync_range;
}
