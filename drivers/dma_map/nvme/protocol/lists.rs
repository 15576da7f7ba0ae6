// SPDX-License-Identifier: GPL-2.0

//! Lists in blocks of a pool, which the controller reads.
//!
//! The controller could write to them, too. So nothing is read back from a list: the blocks are what
//! [`PoolBlock`] says, and the data is unmapped by what its own handle says.

use super::chain::Chain;
use dma_map::{
    pool::PoolRef,
    Engine,
    Gfp,
    PoolBlock,
    Shared, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// The largest number of lists of a command. With 512 entries each, they are for 2,045 pages.
pub(crate) const MAX: usize = 4;

/// The lists of one command, until the controller is done with it.
pub(crate) type Lists<P, E> = [Option<PoolBlock<P, Shared<E>>>; MAX];

/// How a link is written: the address of the next list, how many of its slots are used, and whether
/// it is the last one.
pub(crate) struct Link {
    pub(crate) address: DmaAddress,
    pub(crate) used: usize,
    pub(crate) is_last: bool,
}

/// Returns no lists.
pub(crate) fn none<P: PoolRef, E: Engine>() -> Lists<P, E> {
    [const { None }; MAX]
}

/// Writes `count` entries to lists, and returns these with a link to the first one.
///
/// No block has been given to the device when this fails.
///
/// Context: that of an allocation with `gfp`.
///
/// # Errors
///
/// - `EINVAL`: there are no entries, or not as many as `count` says, or too many for [`MAX`] lists.
/// - The error of an entry, and `ENOMEM`.
pub(crate) fn build<P, T, E, const N: usize>(
    pool: P,
    engine: E,
    count: usize,
    mut entries: impl Iterator<Item = Result<T>>,
    link: impl Fn(Link) -> T,
    gfp: Gfp,
) -> Result<(Lists<P, E>, Link)>
where
    P: PoolRef<Element = [T; N]> + Clone,
    T: FromBytes + IntoBytes,
    E: Engine + Clone,
{
    let chain = Chain::new(count, N)?;
    let lists = chain.lists();
    if lists > MAX {
        return Err(EINVAL);
    }

    let mut blocks: [Option<PoolBlock<P>>; MAX] = [const { None }; MAX];
    for block in blocks.iter_mut().take(lists) {
        *block = Some(PoolBlock::zeroed(pool.clone(), gfp)?);
    }
    for i in 0..count {
        let place = chain.place(i);
        let slot = blocks
            .get_mut(place.list)
            .and_then(Option::as_mut)
            .and_then(|block| block.get_mut(place.slot));
        *slot.ok_or(EINVAL)? = entries.next().ok_or(EINVAL)??;
    }
    if entries.next().is_some() {
        return Err(EINVAL);
    }

    // From the last list to the first, because a list has its address when the device has it.
    let mut given = none();
    let mut next = None;
    for i in (0..lists).rev() {
        let block = blocks.get_mut(i).and_then(Option::take);
        let (Some(mut block), Some(given)) = (block, given.get_mut(i)) else {
            continue;
        };
        if let Some(next) = next.take() {
            if let Some(slot) = block.get_mut(chain.link()) {
                *slot = link(next);
            }
        }
        let block = block.give(engine.clone());
        next = Some(Link {
            address: block.dma_address(),
            used: chain.used(i),
            is_last: i.wrapping_add(1) == lists,
        });
        *given = Some(block);
    }

    Ok((given, next.ok_or(EINVAL)?))
}
