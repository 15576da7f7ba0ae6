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
mod transitions;

use crate::{
    c,
    check::*,
    pattern::at as pattern, //
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

const ALL: DmaLimits = DmaLimits::new(DmaMask::new::<64>());

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
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = pattern(seed, i);
    }
}

/// Returns whether all bytes are the pattern `seed`.
fn holds(bytes: &[u8], seed: u8) -> bool {
    let mut bytes = bytes.iter().enumerate();
    bytes.all(|(i, byte)| *byte == pattern(seed, i))
}

/// A buffer of bytes.
trait Sample: Contiguous<Element = u8, Contents = [u8]> {
    /// Makes a buffer of `len` bytes, or of the pages that it takes.
    fn make(len: usize) -> Result<Self>;

    /// Makes a buffer that holds the pattern `seed`.
    fn sample(len: usize, seed: u8) -> Result<Self> {
        let mut buffer = Self::make(len)?;
        write(buffer.contents_mut(), seed);
        Ok(buffer)
    }

    /// Returns whether all of it holds the pattern `seed`.
    fn holds(&self, seed: u8) -> bool {
        holds(self.contents(), seed)
    }

    /// Returns where it is.
    fn place(&self) -> *const u8 {
        self.contents().as_ptr()
    }
}

impl Sample for KVec<u8> {
    fn make(len: usize) -> Result<Self> {
        // More than is mapped, so that a mapping of the capacity shows.
        let mut buffer = Self::with_capacity(len + 5000, GFP_KERNEL)?;
        buffer.extend_with(len, 0, GFP_KERNEL)?;
        Ok(buffer)
    }
}

impl Sample for KVVec<u8> {
    fn make(len: usize) -> Result<Self> {
        Ok(Self::from_elem(0, len, GFP_KERNEL)?)
    }
}

impl Sample for KBox<[u8]> {
    fn make(len: usize) -> Result<Self> {
        let bytes = KVec::from_elem(0, len, GFP_KERNEL)?;
        let (ptr, len, _) = bytes.into_raw_parts();
        // SAFETY: One `kmalloc` allocation that holds `len` bytes, and that nobody else has.
        Ok(unsafe { Self::from_raw(core::ptr::slice_from_raw_parts_mut(ptr, len)) })
    }
}

impl Sample for Pages {
    fn make(len: usize) -> Result<Self> {
        let count = len.div_ceil(PAGE_SIZE).next_power_of_two();
        Pages::zeroed(count.trailing_zeros(), Gfp::Kernel)
    }
}

/// Calls a generic function with each kind of buffer.
macro_rules! each_buffer {
    ($f:ident($($arg:expr),*)) => {{
        $f::<KVec<u8>>($($arg),*)?;
        $f::<KVVec<u8>>($($arg),*)?;
        $f::<KBox<[u8]>>($($arg),*)?;
        $f::<Pages>($($arg),*)?;
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
