// SPDX-License-Identifier: GPL-2.0

//! [`SgMapping`](dma_map::SgMapping) and its buffers.

mod addresses;
mod boundaries;
mod dma_pages;
mod failures;
mod free;
mod interop;
mod list;
mod map;
mod offset;
mod options;
mod page_list;
mod prebuilt;
mod quarantine;
mod range;
mod round_trip;
mod split;
mod transitions;
mod upstream;
mod user;
mod user_drop;
mod user_pins;

use crate::{
    check::*,
    pattern, //
};
use dma_map::{
    direction::Direction,
    sg::{
        Segment,
        SgBuffer,
        SgSource, //
    },
    state::Device,
    DmaLimits,
    Engine,
    Gfp,
    PageList,
    SgMapping, //
};
use kernel::{
    dma::DmaMask,
    page::PAGE_SIZE,
    prelude::*, //
};

const ALL: DmaLimits = DmaLimits::new(DmaMask::new::<64>());

/// Sizes around bytes, slots of the bounce pool, pages and the bus's largest segment.
const SIZES: [usize; 9] = [
    1,
    2,
    511,
    2048,
    PAGE_SIZE - 1,
    PAGE_SIZE,
    PAGE_SIZE + 1,
    3 * PAGE_SIZE + 17,
    65537,
];

/// A buffer whose contents a case can tell.
trait Sample: SgBuffer<Element = u8> {
    /// Makes a buffer of `len` bytes, or of the pages that it takes, that holds the pattern `seed`.
    fn sample(len: usize, seed: u8) -> Result<Self>;

    /// Returns whether all of it holds the pattern `seed`.
    fn holds(&self, seed: u8) -> bool;

    /// Returns something that tells this buffer from any other one.
    fn identity(&self) -> usize;
}

macro_rules! impl_sample {
    ($vec:ident) => {
        impl Sample for $vec<u8> {
            fn sample(len: usize, seed: u8) -> Result<Self> {
                // More than is mapped, so that a mapping of the capacity shows.
                let mut buffer = Self::from_elem(0, len + 5000, GFP_KERNEL)?;
                buffer.truncate(len);
                pattern::fill(&mut buffer, seed, 0);
                Ok(buffer)
            }

            fn holds(&self, seed: u8) -> bool {
                pattern::holds(self, seed, 0)
            }

            fn identity(&self) -> usize {
                self.as_ptr().addr()
            }
        }
    };
}

impl_sample!(KVec);
impl_sample!(VVec);
impl_sample!(KVVec);

impl Sample for PageList {
    fn sample(len: usize, seed: u8) -> Result<Self> {
        let mut pages = PageList::zeroed(len.div_ceil(PAGE_SIZE), Gfp::Kernel)?;
        let mut part = [0; 256];
        for start in (0..pages.len()).step_by(part.len()) {
            pattern::fill(&mut part, seed, start);
            pages.write(start, &part)?;
        }
        Ok(pages)
    }

    fn holds(&self, seed: u8) -> bool {
        let mut part = [0; 256];
        (0..self.len())
            .step_by(part.len())
            .all(|start| self.read(start, &mut part).is_ok() && pattern::holds(&part, seed, start))
    }

    fn identity(&self) -> usize {
        // It tells nobody where its pages are.
        self.page_count()
    }
}

/// Calls a generic function with each kind of buffer.
macro_rules! each_buffer {
    ($f:ident($($arg:expr),*)) => {{
        $f::<KVec<u8>>($($arg),*)?;
        $f::<VVec<u8>>($($arg),*)?;
        $f::<KVVec<u8>>($($arg),*)?;
        $f::<PageList>($($arg),*)?;
    }};
}
use each_buffer;

/// Checks that the segments are all of the mapping, each within the limits.
fn check_segments<B, D, E>(mapping: &SgMapping<'_, B, D, Device<E>>) -> Result<usize>
where
    B: SgSource,
    D: Direction,
    E: Engine,
{
    let dma = mapping.device();
    let (max, boundary, mask) = (dma.max_segment_size(), dma.segment_boundary(), dma.mask());
    let mut sum = 0;
    let mut count = 0;

    for Segment { address, len } in mapping.segments() {
        let last = address + u64::from(len) - 1;
        check!(len > 0, "an empty segment");
        check!(len <= max, "{len} bytes are more than {max}");
        check!(
            address & !boundary == last & !boundary,
            "{address:#x}+{len:#x} crosses {boundary:#x}"
        );
        check!(last <= mask, "{last:#x} is beyond {mask:#x}");
        sum += len as usize;
        count += 1;
    }
    check_eq!(sum, mapping.size());

    Ok(count)
}
