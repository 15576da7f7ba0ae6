// SPDX-License-Identifier: GPL-2.0

//! A contiguous buffer is mapped and unmapped.

use crate::{
    engine::Idle,
    operation::{
        Entry,
        Opened,
        Operation,
        Prepared, //
    }, //
};
use dma_map::{
    direction::{
        Carries,
        Direction, //
    },
    Bidirectional,
    Device,
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

/// One cache line: what is held is the mapping.
pub(crate) const LIVE_SIZE: usize = 64;

/// A buffer of `N` bytes.
pub(crate) type Buffer<const N: usize> = KBox<[u8; N]>;

/// A buffer that stays mapped.
pub(crate) type Mapped<'b, const N: usize, D> = DmaMapping<'b, Buffer<N>, D, Device<Idle>>;

pub(crate) fn buffer<const N: usize>() -> Result<Buffer<N>> {
    KBox::init(pin_init::init_zeroed(), GFP_KERNEL)
}

/// Maps `live` small buffers, to be held.
pub(crate) fn hold<D: Carries<[u8; LIVE_SIZE]>>(
    dev: DmaDevice<'_>,
    direction: D,
    live: usize,
) -> Result<KVVec<Mapped<'_, LIVE_SIZE, D>>> {
    let mut held = KVVec::with_capacity(live, GFP_KERNEL)?;
    for _ in 0..live {
        let mapping = DmaMapping::map(dev, buffer()?, direction, Idle, MapOptions::new())?;
        held.push(mapping, GFP_KERNEL)?;
    }
    Ok(held)
}

struct Shared<'b, const N: usize, D: Direction> {
    dev: DmaDevice<'b>,
    direction: D,
    run: for<'x> fn(&mut Single<'x, N, D>, usize) -> Result,
    _held: KVVec<Mapped<'b, LIVE_SIZE, D>>,
}

struct Single<'b, const N: usize, D: Direction> {
    dev: DmaDevice<'b>,
    direction: D,
    run: Entry<Self>,
    buffer: Option<Buffer<N>>,
}

impl<const N: usize, D: Carries<[u8; N]>> Opened for Shared<'_, N, D> {
    fn prepare(&self) -> Result<KBox<dyn Prepared + '_>> {
        let single = Single {
            dev: self.dev,
            direction: self.direction,
            run: self.run,
            buffer: Some(buffer()?),
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
fn map_unmap<const N: usize, D: Carries<[u8; N]>>(
    single: &mut Single<'_, N, D>,
    loops: usize,
) -> Result {
    let mut buffer = single.buffer.take().ok_or(EINVAL)?;
    for _ in 0..loops {
        let (dev, direction) = (single.dev, single.direction);
        let mapping = DmaMapping::map(dev, buffer, direction, Idle, MapOptions::new())?;
        buffer = mapping.unmap()?;
    }
    single.buffer = Some(buffer);
    Ok(())
}

macro_rules! operations {
    ($($name:ident, $size:expr, $direction:ident;)*) => { paste! {
        $(
            #[inline(never)]
            fn [<rust_ $name>](
                single: &mut Single<'_, { $size }, $direction>,
                loops: usize,
            ) -> Result {
                map_unmap(single, loops)
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
    map_single_64_to_device, 64, ToDevice;
    map_single_64_from_device, 64, FromDevice;
    map_single_64_bidirectional, 64, Bidirectional;
    map_single_4k_to_device, SZ_4K, ToDevice;
    map_single_4k_from_device, SZ_4K, FromDevice;
    map_single_4k_bidirectional, SZ_4K, Bidirectional;
    map_single_64k_to_device, SZ_64K, ToDevice;
    map_single_64k_from_device, SZ_64K, FromDevice;
    map_single_64k_bidirectional, SZ_64K, Bidirectional;
}
