// SPDX-License-Identifier: GPL-2.0

//! [`DmaMapping`](dma_map::DmaMapping), its buffers, and mappings of borrowed memory and of registers.

mod failures;
mod free;
mod lent;
mod map;
mod mmio;
mod options;
mod pages;
mod part;
mod round_trip;
mod scope;

use crate::{
    c,
    check::*,
    pattern,
    sample::{
        Flat,
        Sample, //
    }, //
};
use dma_map::{
    direction::Direction,
    mapping::{
        Contiguous,
        Pages, //
    },
    state::Device,
    DmaLimits,
    DmaMapping,
    Engine,
    Gfp,
    MapOptions, //
};
use kernel::{
    dma::DmaMask,
    page::PAGE_SIZE,
    prelude::*, //
};

/// No options.
const PLAIN: MapOptions = MapOptions::new();

/// Sizes around bytes, pages, slots of the bounce pool and the bus's largest segment.
const SIZES: [usize; 10] = [
    1,
    2,
    511,
    2048,
    PAGE_SIZE - 1,
    PAGE_SIZE,
    PAGE_SIZE + 1,
    3 * PAGE_SIZE + 17,
    65535,
    65536,
];

/// Writes the pattern `seed`.
fn write(bytes: &mut [u8], seed: u8) {
    pattern::fill(bytes, seed, 0);
}

/// Returns whether all bytes are the pattern `seed`.
fn holds(bytes: &[u8], seed: u8) -> bool {
    pattern::holds(bytes, seed, 0)
}

/// Calls a generic function with each kind of buffer.
macro_rules! each_buffer {
    ($f:ident($($arg:expr),*)) => {{
        $f::<KVec<u8>>($($arg),*)?;
        $f::<KVVec<u8>>($($arg),*)?;
        $f::<KBox<[u8]>>($($arg),*)?;
        $f::<Pages>($($arg),*)
    }};
}
use each_buffer;

/// Returns whether the device reaches the buffer itself at the mapping's address.
fn in_place<B, D, E>(mapping: &DmaMapping<'_, B, D, Device<E>>, place: *const u8) -> bool
where
    B: Contiguous,
    D: Direction,
    E: Engine,
{
    let dev = mapping.device().device();
    core::ptr::eq(c::dma_to_virt(dev, mapping.dma_address()), place)
}

/// Checks that a mapping is one segment within the limits.
fn check_segment<B, D, E>(mapping: &DmaMapping<'_, B, D, Device<E>>) -> Result
where
    B: Contiguous,
    D: Direction,
    E: Engine,
{
    let dma = mapping.device();
    let (first, len) = (mapping.dma_address(), mapping.size() as u64);
    let last = first + len - 1;
    check!(len > 0 && len <= dma.max_segment_size().into());
    let boundary = dma.segment_boundary();
    check!(
        first & !boundary == last & !boundary,
        "{first:#x}+{len:#x} crosses {boundary:#x}"
    );
    check!(last <= dma.mask(), "{last:#x} is out of reach");
    Ok(())
}
