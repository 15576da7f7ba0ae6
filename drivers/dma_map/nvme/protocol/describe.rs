// SPDX-License-Identifier: GPL-2.0

//! Description of a request's data while its pieces are mapped: each piece is seen once, in order.
//!
//! A command has one list at most, in a block of a pool whose size depends on the data. As in
//! [`lists`](super::lists), nothing is read back from a list.

use super::{
    command::{
        widen,
        Pointer, //
    },
    prp::{
        self,
        Segment, //
    },
    sgl, //
};
use dma_map::{
    endian::Le,
    DmaDevice,
    DmaPool,
    Engine,
    Gfp,
    PoolBlock,
    Shared, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// How many 64-bit words a small list has, and a large one, which is a page of the controller.
pub(crate) const SMALL: usize = 32;
pub(crate) const LARGE: usize = 512;

/// How many bytes a command can move whose PRP entries are one list: the first entry is in the command.
pub(crate) const BYTES_MAX: u32 = (LARGE as u32) << 12;

/// How many segments a command can have whose SGL descriptors, of two words, are one list.
pub(crate) const SEGMENTS_MAX: u16 = (LARGE / 2) as u16;

type Pool<'bound, const N: usize> = Arc<DmaPool<'bound, [Le<u64>; N]>>;
type Block<'bound, const N: usize, E> = PoolBlock<Pool<'bound, N>, Shared<E>>;

/// The list of a command, which the device reads until the command is done.
pub(crate) enum List<'bound, E: Engine> {
    Small(#[allow(dead_code, reason = "it is kept for the device")] Block<'bound, SMALL, E>),
    Large(#[allow(dead_code, reason = "it is kept for the device")] Block<'bound, LARGE, E>),
}

/// How a command describes its data.
pub(crate) struct Description<'bound, E: Engine> {
    pub(crate) pointer: Pointer,
    /// The list that the pointer leads to.
    pub(crate) list: Option<List<'bound, E>>,
}

impl<E: Engine> Description<'_, E> {
    /// Returns the description of no data.
    #[inline(always)]
    pub(crate) const fn none() -> Self {
        Self {
            pointer: Pointer::Prp([0, 0]),
            list: None,
        }
    }
}

/// The pools of lists.
pub(crate) struct Pools<'bound> {
    small: Pool<'bound, SMALL>,
    large: Pool<'bound, LARGE>,
}

/// The words of a list that is being written.
struct Words<'a> {
    slots: &'a mut [Le<u64>],
    count: usize,
}

impl Words<'_> {
    /// Writes the next word.
    ///
    /// # Errors
    ///
    /// `EINVAL`: the list is full.
    #[inline]
    fn push(&mut self, word: u64) -> Result {
        *self.slots.get_mut(self.count).ok_or(EINVAL)? = word.into();
        self.count = self.count.wrapping_add(1);
        Ok(())
    }
}

/// Lets `write` write words to a block, and gives it to the device. Returns it with the number of words.
///
/// # Errors
///
/// `ENOMEM`, and those of `write`.
#[inline]
fn fill<'bound, const N: usize, E: Engine>(
    pool: &Pool<'bound, N>,
    engine: E,
    write: impl FnOnce(&mut Words<'_>) -> Result,
) -> Result<(Block<'bound, N, E>, usize)> {
    let mut block = PoolBlock::zeroed(pool.clone(), Gfp::Atomic)?;
    let mut words = Words {
        slots: &mut *block,
        count: 0,
    };

    write(&mut words)?;
    let count = words.count;
    Ok((block.give(engine), count))
}

impl<'bound> Pools<'bound> {
    /// Makes the pools.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(dma: DmaDevice<'bound>) -> Result<Self> {
        Ok(Self {
            small: Arc::new(
                DmaPool::with::<{ SMALL * 8 }, { SMALL * 8 }>(dma, c"dma_map_nvme small lists")?,
                GFP_KERNEL,
            )?,
            large: Arc::new(
                DmaPool::with::<{ LARGE * 8 }, { LARGE * 8 }>(dma, c"dma_map_nvme large lists")?,
                GFP_KERNEL,
            )?,
        })
    }

    /// Makes a list of the words that `write` writes, of which there are at most `most`. Returns its address,
    /// and the number of words.
    #[inline]
    fn list<E: Engine>(
        &self,
        most: usize,
        engine: E,
        write: impl FnOnce(&mut Words<'_>) -> Result,
    ) -> Result<(List<'bound, E>, u64, usize)> {
        if most <= SMALL {
            let (block, count) = fill(&self.small, engine, write)?;
            let address = widen(block.dma_address());
            Ok((List::Small(block), address, count))
        } else {
            let (block, count) = fill(&self.large, engine, write)?;
            let address = widen(block.dma_address());
            Ok((List::Large(block), address, count))
        }
    }

    /// Describes `bytes` bytes of data by PRP entries, for pages of 2^`page_shift` bytes, in `to`.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: there is no data, or it has a gap, or does not begin at a multiple of 4, or is longer than
    ///   `bytes` or [`BYTES_MAX`].
    /// - `ENOMEM`.
    #[inline]
    pub(crate) fn by_prps<E: Engine>(
        &self,
        mut segments: impl Iterator<Item = Segment>,
        page_shift: u32,
        bytes: u32,
        engine: impl FnOnce() -> E,
        to: &mut Description<'bound, E>,
    ) -> Result {
        let (address, len) = segments.next().ok_or(EINVAL)?;
        let start = widen(address);
        let page = 1u64.checked_shl(page_shift).ok_or(EINVAL)?;
        // Most data is within a page, or two.
        // CAST: To the wider type.
        let end = (start & page.wrapping_sub(1)).wrapping_add(len as u64);
        if len == bytes as usize && len != 0 && end <= page.wrapping_mul(2) && start & 3 == 0 {
            let second = match end > page {
                true => (start & page.wrapping_neg()).wrapping_add(page),
                false => 0,
            };
            to.pointer = Pointer::Prp([start, second]);
            return Ok(());
        }
        let all = Iterator::chain(core::iter::once((address, len)), segments);
        self.by_entries(all, page_shift, bytes, engine(), to)
    }

    /// Describes data by PRP entries as [`by_prps`](Self::by_prps) does, of any number.
    #[inline(never)]
    fn by_entries<E: Engine>(
        &self,
        segments: impl Iterator<Item = Segment>,
        page_shift: u32,
        bytes: u32,
        engine: E,
        to: &mut Description<'bound, E>,
    ) -> Result {
        let mut entries = prp::Entries::new(segments, page_shift);
        let first = entries.next().ok_or(EINVAL)??;
        let Some(second) = entries.next().transpose()? else {
            to.pointer = Pointer::Prp([first, 0]);
            return Ok(());
        };
        let Some(third) = entries.next().transpose()? else {
            to.pointer = Pointer::Prp([first, second]);
            return Ok(());
        };

        // One for each page that the data would have without an offset: the first entry, which is in the
        // command, is for what an offset adds.
        let pages = u64::from(bytes).checked_shr(page_shift).unwrap_or(0);
        let whole = pages.checked_shl(page_shift) == Some(bytes.into());
        // CAST: At most 2^32.
        let most = pages as usize + usize::from(!whole);
        let (list, address, _) = self.list(most, engine, |words| {
            words.push(second)?;
            words.push(third)?;
            entries.try_for_each(|entry| words.push(entry?))
        })?;
        to.pointer = Pointer::Prp([first, address]);
        to.list = Some(list);
        Ok(())
    }

    /// Describes data of at most `most` segments by SGL descriptors, in `to`.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: there is no data, or a segment of 4 GiB or more, or more segments than `most` or
    ///   [`SEGMENTS_MAX`].
    /// - `ENOMEM`.
    #[inline]
    pub(crate) fn by_sgl<E: Engine>(
        &self,
        mut segments: impl Iterator<Item = Segment>,
        most: u32,
        engine: impl FnOnce() -> E,
        to: &mut Description<'bound, E>,
    ) -> Result {
        let first = segments.next().ok_or(EINVAL)?;
        let Some(second) = segments.next() else {
            to.pointer = sgl::Descriptor::data(first)?.pointer();
            return Ok(());
        };

        let most = (most as usize).saturating_mul(2);
        let (list, address, count) = self.list(most, engine(), |words| {
            let mut push = |segment| {
                let [address, length] = sgl::Descriptor::data(segment)?.words();
                words.push(address)?;
                words.push(length)
            };
            push(first)?;
            push(second)?;
            segments.try_for_each(push)
        })?;
        to.pointer = sgl::Descriptor::last(address, count / 2).pointer();
        to.list = Some(list);
        Ok(())
    }

    /// Describes ranges of blocks for a Dataset Management command: one, of `count` blocks from `first` on.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn by_range<E: Engine>(
        &self,
        first: u64,
        count: u32,
        engine: E,
    ) -> Result<(Pointer, List<'bound, E>)> {
        let (block, _) = fill(&self.small, engine, |words| {
            // No attributes, and the length.
            words.push(u64::from(count) << 32)?;
            words.push(first)
        })?;
        let address = widen(block.dma_address());
        Ok((Pointer::Prp([address, 0]), List::Small(block)))
    }
}
