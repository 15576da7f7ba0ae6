// SPDX-License-Identifier: GPL-2.0

//! Benchmark: map and unmap a contiguous buffer.

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
    mapping::Contiguous,
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

/// The size of live buffers, one cache line: the mappings are what counts, not the memory.
pub(crate) const LIVE_SIZE: usize = 64;

/// A buffer of `N` bytes.
pub(crate) type Buffer<const N: usize> = KBox<[u8; N]>;

/// A buffer that stays mapped.
pub(crate) type Mapped<'b, const N: usize, D> = DmaMapping<'b, Buffer<N>, D, Device<Idle>>;

fn buffer<const N: usize>() -> Result<Buffer<N>> {
    KBox::init(pin_init::init_zeroed(), GFP_KERNEL)
}

/// The alignment of buffers in all columns: `memcpy()` compares the lowest byte of both addresses, and
/// copies forwards or backwards, which cost differently.
const ALIGN: usize = 256;

/// Allocates a buffer with this alignment.
pub(crate) fn aligned_buffer<const N: usize>() -> Result<Buffer<N>> {
    let mut others = KVec::new();
    loop {
        let buffer = buffer::<N>()?;
        if buffer.as_ptr().addr() % ALIGN == 0 {
            return Ok(buffer);
        }
        // Hold it, so that the allocator returns another one.
        others.push(buffer, GFP_KERNEL)?;
    }
}

/// Maps `live` small buffers, which stay mapped while an operation runs.
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

/// A zeroed buffer.
pub(crate) trait Zeroes: Contiguous + Sized {
    fn zeroes(len: usize) -> Result<Self>;
}

/// A buffer whose length the compiler knows.
impl<const N: usize> Zeroes for Buffer<N> {
    fn zeroes(_len: usize) -> Result<Self> {
        aligned_buffer()
    }
}

/// A buffer whose length the compiler does not know.
impl Zeroes for KVec<u8> {
    fn zeroes(len: usize) -> Result<Self> {
        Ok(KVec::from_elem(0, len, GFP_KERNEL)?)
    }
}

struct Shared<'b, B, D: Direction> {
    dev: DmaDevice<'b>,
    direction: D,
    len: usize,
    run: for<'x> fn(&mut Single<'x, B, D>, usize) -> Result,
    _held: KVVec<Mapped<'b, LIVE_SIZE, D>>,
}

struct Single<'b, B, D: Direction> {
    dev: DmaDevice<'b>,
    direction: D,
    run: Entry<Self>,
    buffer: Option<B>,
}

impl<B: Zeroes, D: Carries<B::Element>> Opened for Shared<'_, B, D> {
    fn prepare(&self) -> Result<KBox<dyn Prepared + '_>> {
        let single = Single {
            dev: self.dev,
            direction: self.direction,
            run: self.run,
            buffer: Some(B::zeroes(self.len)?),
        };
        Ok(KBox::new(single, GFP_KERNEL)?)
    }
}

impl<B: Zeroes, D: Carries<B::Element>> Prepared for Single<'_, B, D> {
    fn run(&mut self, loops: usize) -> Result {
        (self.run)(self, loops)
    }
}

#[inline(always)]
fn map_unmap<B: Zeroes, D: Carries<B::Element>>(
    single: &mut Single<'_, B, D>,
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
    ($($name:ident, $buffer:ty, $size:expr, $direction:ident;)*) => { paste! {
        $(
            #[inline(never)]
            fn [<rust_ $name>](
                single: &mut Single<'_, $buffer, $direction>,
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
                        len: $size,
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
    map_single_64_to_device, Buffer<64>, 64, ToDevice;
    map_single_64_from_device, Buffer<64>, 64, FromDevice;
    map_single_64_bidirectional, Buffer<64>, 64, Bidirectional;
    map_single_4k_to_device, Buffer<SZ_4K>, SZ_4K, ToDevice;
    map_single_4k_from_device, Buffer<SZ_4K>, SZ_4K, FromDevice;
    map_single_4k_bidirectional, Buffer<SZ_4K>, SZ_4K, Bidirectional;
    map_single_64k_to_device, Buffer<SZ_64K>, SZ_64K, ToDevice;
    map_single_64k_from_device, Buffer<SZ_64K>, SZ_64K, FromDevice;
    map_single_64k_bidirectional, Buffer<SZ_64K>, SZ_64K, Bidirectional;
    map_slice_4k_to_device, KVec<u8>, SZ_4K, ToDevice;
    map_slice_4k_from_device, KVec<u8>, SZ_4K, FromDevice;
}
