// SPDX-License-Identifier: GPL-2.0

//! Drop of a mapping of [`UserPages`](dma_map::UserPages).
//!
//! User space finds what the device wrote, for each handle, and for each buffer that has such pages in
//! it.

use super::{
    user::pin_dest,
    *, //
};
use crate::{
    context,
    device_side,
    engines::{
        Idle,
        Scripted, //
    },
    fixture::*,
    user_memory::{
        UserMemory,
        Vector, //
    }, //
};
use dma_map::{
    direction::Carries,
    sg::{
        BufferRange,
        Prebuilt, //
    },
    DmaDevice,
    FromDevice,
    SgList,
    Transfer, //
};

const PAGES: usize = 4;

/// Where the user memory of a mapping begins: within a page.
const AT: usize = 100;

/// More than two pages.
const LEN: usize = 2 * PAGE_SIZE + 300;

/// User memory of which `LEN` bytes from `AT` on are a part of a mapping, from its byte `index` on.
struct Lent {
    memory: UserMemory,
    index: usize,
}

impl Lent {
    fn new(index: usize) -> Result<Self> {
        Ok(Self {
            memory: UserMemory::new(PAGES)?,
            index,
        })
    }

    /// User space fills it, before it is given away.
    fn reset(&self) -> Result {
        self.memory.fill(0xee)
    }

    /// Checks that user space finds what the device wrote.
    fn holds(&self, seed: u8, after: &str) -> Result {
        let found = self.memory.read(AT, LEN)?;
        check!(
            pattern::holds(&found, seed, self.index),
            "user space finds other data after {after}"
        );
        Ok(())
    }
}

/// Drops each handle of the buffers that `make` makes, in each state, in each context.
fn each_drop<B: SgSource>(
    dma: DmaDevice<'_>,
    lent: &Lent,
    make: impl Fn(&UserMemory) -> Result<B>,
) -> Result
where
    FromDevice: Carries<B::Element>,
{
    let pin = || -> Result<B> {
        lent.reset()?;
        make(&lent.memory)
    };

    let mapping = map_sg(dma, pin()?, FromDevice, Idle)?;
    device_side::fill(&mapping, 1)?;
    drop(mapping);
    lent.holds(1, "the drop of an SgMapping")?;

    let busy = Scripted::busy();
    let mapping = map_sg(dma, pin()?, FromDevice, &busy)?;
    device_side::fill(&mapping, 2)?;
    drop(mapping);
    check_eq!(busy.stopped(), 1);
    lent.holds(2, "the drop of an SgMapping of a busy device")?;

    let mapping = map_sg(dma, pin()?, FromDevice, Idle)?;
    device_side::fill(&mapping, 3)?;
    context::irqs_off(|| drop(mapping));
    lent.holds(3, "the drop of an SgMapping with interrupts off")?;

    // Where no unmap is needed, a list takes the table's place.
    let mapping = map_sg(dma, pin()?, FromDevice, Idle)?;
    device_side::fill(&mapping, 4)?;
    drop(mapping.into_addresses(Gfp::Kernel)?);
    lent.holds(4, "the drop of SgAddresses")?;

    let mapping = map_iova(dma, pin()?, FromDevice, Idle)?;
    device_side::fill_segments(dma, &mut mapping.segments(), 5)?;
    drop(mapping);
    lent.holds(5, "the drop of an IovaMapping")?;

    let mapping = map_sg(dma, pin()?, FromDevice, Idle)?;
    drop(Transfer::start(mapping, |pieces| {
        device_side::fill_pieces(dma, pieces, 6)
    })?);
    lent.holds(6, "the drop of a transfer")?;

    let mapping = map_iova(dma, pin()?, FromDevice, Idle)?;
    drop(Transfer::start((mapping,), |(pieces,)| {
        device_side::fill_pieces(dma, pieces, 7)
    })?);
    lent.holds(7, "the drop of a transfer of several")?;

    let mapping = map_sg(dma, pin()?, FromDevice, Idle)?;
    let addresses = mapping.into_addresses(Gfp::Kernel)?;
    let failed = Transfer::start(addresses, |pieces| {
        device_side::fill_pieces(dma, pieces, 8)?;
        Err(EIO)
    });
    check!(failed.is_err());
    drop(failed);
    lent.holds(8, "the drop of a transfer that failed")
}

/// Whatever comes after the device's last write stays.
fn newer_data<B: SgSource>(
    dma: DmaDevice<'_>,
    lent: &Lent,
    make: impl Fn(&UserMemory) -> Result<B>,
) -> Result
where
    FromDevice: Carries<B::Element>,
{
    let newer = VVec::from_elem(0x5a, LEN, GFP_KERNEL)?;
    let complete = || -> Result<_> {
        lent.reset()?;
        let buffer = make(&lent.memory)?;
        let mapping = map_sg(dma, buffer, FromDevice, Idle)?;
        device_side::fill(&mapping, 9)?;
        let mapping = mapping.complete()?;
        lent.holds(9, "the device is done")?;
        lent.memory.write(AT, &newer)?;
        Ok(mapping)
    };

    drop(complete()?);
    check!(lent.memory.read(AT, LEN)?[..] == newer[..]);
    drop(complete()?.unmap());
    check!(lent.memory.read(AT, LEN)?[..] == newer[..]);
    Ok(())
}

fn both<B: SgSource>(index: usize, make: impl Fn(&UserMemory) -> Result<B>) -> Result
where
    FromDevice: Carries<B::Element>,
{
    let lent = Lent::new(index)?;
    each_dma(ALL, |dma| {
        each_drop(dma, &lent, &make)?;
        newer_data(dma, &lent, &make)
    })
}

#[kunit_tests(dma_map_sg_user_drop)]
mod tests {
    use super::*;

    #[test]
    fn pages() -> Result {
        both(0, |memory| pin_dest(memory, AT, LEN))
    }

    #[test]
    fn list_of_pages() -> Result {
        both(0, |memory| {
            let ranges = [
                (memory.at(AT), 50),
                (memory.at(AT + 50), PAGE_SIZE),
                (memory.at(AT + 50 + PAGE_SIZE), LEN - 50 - PAGE_SIZE),
            ];
            let mut vector = Vector::dest(&ranges)?;
            SgList::from_dest(vector.as_dest(), LEN, Gfp::Kernel)
        })
    }

    #[test]
    fn kernel_memory_and_pages() -> Result {
        both(64, |memory| {
            let header = KVec::from_elem(0u8, 64, GFP_KERNEL)?;
            Ok((header, pin_dest(memory, AT, LEN)?))
        })
    }

    #[test]
    fn pages_and_kernel_memory() -> Result {
        both(0, |memory| {
            let trailer = PageList::zeroed(1, Gfp::Kernel)?;
            Ok((pin_dest(memory, AT, LEN)?, trailer))
        })
    }

    #[test]
    fn range_of_pages() -> Result {
        both(0, |memory| {
            let pages = pin_dest(memory, AT - 32, LEN + 64)?;
            Ok(BufferRange::new(pages, 32..32 + LEN)?)
        })
    }

    #[test]
    fn range_of_a_pair() -> Result {
        both(60, |memory| {
            let header = KVec::from_elem(0u8, 64, GFP_KERNEL)?;
            let pair = (header, pin_dest(memory, AT, LEN)?);
            Ok(BufferRange::new(pair, 4..64 + LEN)?)
        })
    }

    #[test]
    fn prebuilt_pages() -> Result {
        let lent = Lent::new(0)?;
        each_dma(ALL, |dma| {
            let make = |memory: &UserMemory| -> Result<_> {
                Ok(Prebuilt::new(dma, pin_dest(memory, AT, LEN)?, Gfp::Kernel)?)
            };
            each_drop(dma, &lent, make)?;
            newer_data(dma, &lent, make)
        })
    }

    /// What the device did not write is what it was.
    #[test]
    fn device_writes_less_than_it_may() -> Result {
        let lent = Lent::new(0)?;
        each_dma(ALL, |dma| {
            lent.reset()?;
            let before = lent.memory.read(AT, LEN)?;
            let pages = pin_dest(&lent.memory, AT, LEN)?;
            let mapping = map_sg(dma, pages, FromDevice, Idle)?;
            let first = mapping.segments().next().ok_or(EINVAL)?;
            device_side::write(dma, first.address, &[1, 2, 3])?;
            drop(mapping);

            let after = lent.memory.read(AT, LEN)?;
            check_eq!(after[..3], [1, 2, 3]);
            check!(after[3..] == before[3..]);
            Ok(())
        })
    }
}
