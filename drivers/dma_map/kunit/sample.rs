// SPDX-License-Identifier: GPL-2.0

//! Buffers whose contents a case can tell.

use crate::pattern;
use dma_map::{
    mapping::{
        Contiguous,
        Pages, //
    },
    sg::SgBuffer,
    Gfp,
    PageList, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

/// How much is written to a list of pages, or read from it, at once.
const PART: usize = 256;

/// A buffer of bytes.
pub(crate) trait Sample: SgBuffer<Element = u8> + Sync {
    /// Makes a buffer of `len` bytes, or of the pages that it takes, that holds the pattern `seed`.
    ///
    /// A vector has more room than that, so that a mapping of the capacity shows.
    fn sample(len: usize, seed: u8) -> Result<Self>;

    /// Returns whether all of it holds the pattern `seed`.
    fn holds(&self, seed: u8) -> bool;

    /// Returns where the CPU finds it, or null if it does not tell.
    fn place(&self) -> *const u8;

    /// Returns something that tells this buffer from any other one.
    fn identity(&self) -> usize {
        self.place().addr()
    }
}

/// A buffer of bytes that is, or may be, one piece.
pub(crate) trait Flat: Sample + Contiguous<Contents = [u8]> {}
impl<B: Sample + Contiguous<Contents = [u8]>> Flat for B {}

macro_rules! impl_sample {
    ($buffer:ty, |$len:ident| $make:expr) => {
        impl Sample for $buffer {
            fn sample($len: usize, seed: u8) -> Result<Self> {
                let mut buffer: Self = $make;
                pattern::fill(&mut buffer, seed, 0);
                Ok(buffer)
            }

            fn holds(&self, seed: u8) -> bool {
                pattern::holds(self, seed, 0)
            }

            fn place(&self) -> *const u8 {
                self.as_ptr()
            }
        }
    };
}

impl_sample!(KVec<u8>, |len| {
    let mut buffer = Self::with_capacity(len + 5000, GFP_KERNEL)?;
    buffer.extend_with(len, 0, GFP_KERNEL)?;
    buffer
});
impl_sample!(VVec<u8>, |len| {
    let mut buffer = Self::with_capacity(len + 5000, GFP_KERNEL)?;
    buffer.extend_with(len, 0, GFP_KERNEL)?;
    buffer
});
impl_sample!(KVVec<u8>, |len| {
    // What `kmalloc()` has for so many bytes, so that it does not take more pages either.
    let mut buffer = Self::with_capacity(len.next_power_of_two(), GFP_KERNEL)?;
    buffer.extend_with(len, 0, GFP_KERNEL)?;
    buffer
});
impl_sample!(KBox<[u8]>, |len| {
    let bytes = KVec::from_elem(0, len, GFP_KERNEL)?;
    let (ptr, len, _) = bytes.into_raw_parts();
    // SAFETY: One `kmalloc` allocation that holds `len` bytes, and that nobody else has.
    unsafe { Self::from_raw(core::ptr::slice_from_raw_parts_mut(ptr, len)) }
});
impl_sample!(Pages, |len| {
    let count = len.div_ceil(PAGE_SIZE).next_power_of_two();
    Pages::zeroed(count.trailing_zeros(), Gfp::Kernel)?
});

impl Sample for PageList {
    fn sample(len: usize, seed: u8) -> Result<Self> {
        let mut pages = PageList::zeroed(len.div_ceil(PAGE_SIZE), Gfp::Kernel)?;
        let mut part = [0; PART];
        for start in (0..pages.len()).step_by(PART) {
            pattern::fill(&mut part, seed, start);
            pages.write(start, &part)?;
        }
        Ok(pages)
    }

    fn holds(&self, seed: u8) -> bool {
        let mut part = [0; PART];
        (0..self.len())
            .step_by(PART)
            .all(|start| self.read(start, &mut part).is_ok() && pattern::holds(&part, seed, start))
    }

    fn place(&self) -> *const u8 {
        core::ptr::null()
    }

    fn identity(&self) -> usize {
        // It tells nobody where its pages are.
        self.page_count()
    }
}

/// Calls a generic function with each kind of buffer that may be scattered.
macro_rules! each_buffer {
    ($f:ident($($arg:expr),*)) => {{
        $f::<KVec<u8>>($($arg),*)?;
        $f::<VVec<u8>>($($arg),*)?;
        $f::<KVVec<u8>>($($arg),*)?;
        $f::<PageList>($($arg),*)
    }};
}
pub(crate) use each_buffer;
