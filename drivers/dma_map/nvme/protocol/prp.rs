// SPDX-License-Identifier: GPL-2.0

//! PRP entries: data as a list of memory pages.
//!
//! The first entry is the address of the first byte. Each other one is that of a page. So data has PRP
//! entries only if each segment but the first begins with a page, and each but the last ends with one.
//! The pages are the controller's, which may be smaller than the machine's.

use super::{
    command::{
        widen,
        Pointer, //
    },
    lists::{
        self,
        Lists, //
    }, //
};
use dma_map::{
    endian::Le,
    pool::PoolRef,
    Engine,
    Gfp, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// A part of the data: its DMA address and its length in bytes.
pub(crate) type Segment = (DmaAddress, usize);

/// The PRP entries of data.
#[derive(Clone)]
pub(crate) struct Entries<I> {
    segments: I,
    /// The size of a page, less 1.
    mask: u64,
    /// What has no entry yet of the current segment.
    address: u64,
    left: u64,
    /// Whether there was an entry.
    started: bool,
}

impl<I: Iterator<Item = Segment>> Entries<I> {
    /// Returns the entries of `segments`, for pages of 2^`page_shift` bytes.
    pub(crate) fn new(segments: I, page_shift: u32) -> Self {
        Self {
            segments,
            mask: 1u64
                .checked_shl(page_shift)
                .map_or(u64::MAX, |page| page.wrapping_sub(1)),
            address: 0,
            left: 0,
            started: false,
        }
    }

    /// Returns how many bytes there are from `address` to the end of its page.
    fn to_page_end(&self, address: u64) -> u64 {
        self.mask.wrapping_sub(address & self.mask).wrapping_add(1)
    }

    /// Goes on to the next segment. Returns whether there is one.
    fn advance(&mut self) -> Result<bool> {
        while self.left == 0 {
            let Some((address, len)) = self.segments.next() else {
                return Ok(false);
            };
            if len == 0 {
                continue;
            }
            // CAST: A length has at most 64 bits.
            let (mut address, mut left) = (widen(address), len as u64);

            if !self.started {
                // The controller takes the low two bits of an address as 0.
                if address & 3 != 0 {
                    return Err(EINVAL);
                }
            } else if address == self.address && address & self.mask != 0 {
                // Both are in one page, without a gap. The page has an entry.
                let skip = self.to_page_end(address).min(left);
                address = address.wrapping_add(skip);
                left = left.wrapping_sub(skip);
            } else if (address | self.address) & self.mask != 0 {
                return Err(EINVAL);
            }
            self.address = address;
            self.left = left;
        }
        Ok(true)
    }
}

impl<I: Iterator<Item = Segment>> Iterator for Entries<I> {
    type Item = Result<u64>;

    /// Returns the next entry.
    ///
    /// # Errors
    ///
    /// `EINVAL`: the data has a gap, or does not begin at a multiple of 4.
    fn next(&mut self) -> Option<Result<u64>> {
        match self.advance() {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => return Some(Err(error)),
        }
        let entry = self.address;
        let step = self.to_page_end(entry).min(self.left);

        self.address = entry.wrapping_add(step);
        self.left = self.left.wrapping_sub(step);
        self.started = true;
        Some(Ok(entry))
    }
}

/// Describes data by PRP entries.
///
/// Returns what goes into the command, and the lists that it leads to.
///
/// Context: that of an allocation with `gfp`.
///
/// # Errors
///
/// - `EINVAL`: there is no data, or it has a gap, or does not begin at a multiple of 4, or needs too
///   many lists.
/// - `ENOMEM`.
pub(crate) fn describe<P, E, const N: usize>(
    segments: impl Iterator<Item = Segment> + Clone,
    page_shift: u32,
    pool: P,
    engine: E,
    gfp: Gfp,
) -> Result<(Pointer, Lists<P, E>)>
where
    P: PoolRef<Element = [Le<u64>; N]> + Clone,
    E: Engine + Clone,
{
    let mut entries = Entries::new(segments, page_shift);
    let first = entries.next().ok_or(EINVAL)??;
    let mut count: usize = 0;
    let mut second = 0;
    for entry in entries.clone() {
        second = entry?;
        count = count.wrapping_add(1);
    }
    if count <= 1 {
        return Ok((Pointer::Prp([first, second]), lists::none()));
    }

    let entries = entries.map(|entry| entry.map(Le::<u64>::new));
    let link = |link: lists::Link| widen(link.address).into();
    let (lists, start) = lists::build(pool, engine, count, entries, link, gfp)?;
    Ok((Pointer::Prp([first, widen(start.address)]), lists))
}
